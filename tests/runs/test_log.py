from __future__ import annotations

import re
from pathlib import Path

from tests.cli.commands import launched_here, prepare_photos

PLUGIN = Path(__file__).with_name("failing_method.py")
RUN = ["run", "--dataset", "mine", "--method", "collapsing"]


def test_a_runs_log_tells_its_start_data_evaluations_checkpoint_warnings_and_end(tmp_path: Path) -> None:
    prepare_photos(tmp_path, count=4)
    options = ["--steps", "2", "--evaluate-every", "1", "--device", "cpu", "--no-report"]
    done = launched_here(tmp_path, *RUN, *options, "--plugin", str(PLUGIN))
    assert done.returncode == 0, done.stderr
    (log,) = (tmp_path / "results" / "runs").glob("*/log.txt")
    lines = log.read_text().splitlines()
    events = [
        r"INFO Run \w+: mine collapsing.*, process \d+ on ",
        r"INFO Device: cpu \(.+\), \d+ threads?",
        r"INFO Data: .*mine\.h5, 4 photos to train on, 4 scored",
        r"INFO Step 0: PA 0\.\d{4}",
        r"INFO Step 1: PA 0\.\d{4}",
        r"INFO Step 2: PA 0\.\d{4}",
        r"INFO Step 2: saving a checkpoint",
        r"WARNING collapsed: 100\.0 % of the scored pixels are in one of 2 clusters",
        r"INFO Finished: ",
    ]
    found = iter(lines)
    for event in events:
        pattern = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d " + event)
        assert any(pattern.match(line) for line in found), f"{event} is not in, or not in its place:\n{lines}"
