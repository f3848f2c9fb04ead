from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.launchers.engine import Outcome
from infoseg_bench.launchers.tensorboard import EventFiles
from infoseg_bench.launchers.watch_curves import CurveWatcher
from tests.launchers.test_local import Noting
from tests.reporting.runs import add_run, counts_with

pytest.importorskip("tensorboard", reason="needs the extra tensorboard")


def write_curve(run: Path, steps: range, loss: float) -> None:
    run.mkdir(exist_ok=True)
    (run / "curve.jsonl").write_text(
        "".join(json.dumps({"step": step, "loss": loss + step}) + "\n" for step in steps)
    )


def points(folder: Path, name: str = "loss") -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def test_events_are_the_curve_with_no_step_twice_after_a_run_has_gone_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = EventFiles(tmp_path / "events")
    write_curve(run, range(5), loss=1.0)
    events.follow(run)
    write_curve(run, range(8), loss=1.0)
    events.follow(run)
    assert points(tmp_path / "events" / "run") == [(step, 1.0 + step) for step in range(8)]
    write_curve(run, range(3), loss=1.0)
    events.follow(run)
    write_curve(run, range(6), loss=1.0)
    events.end(run)
    EventFiles(tmp_path / "events").end(run)
    assert points(tmp_path / "events" / "run") == [(step, 1.0 + step) for step in range(6)]


def test_status_writes_the_events_of_every_run(tmp_path: Path) -> None:
    folder = add_run(tmp_path, last=counts_with(70))
    write_curve(folder.path, range(3), loss=2.0)
    out = tmp_path / "events"
    done = CliRunner().invoke(main, ["status", "--results", str(tmp_path), "--tensorboard", str(out)])
    assert done.exit_code == 0, done.output
    assert points(out / folder.path.name) == [(0, 2.0), (1, 3.0), (2, 4.0)]


def test_events_are_written_while_a_run_is_under_way(tmp_path: Path) -> None:
    folder = add_run(tmp_path, last=counts_with(70))
    spec, told = folder.spec(), Noting()
    watcher = CurveWatcher(told, EventFiles(tmp_path / "events"), tmp_path)
    write_curve(folder.path, range(3), loss=2.0)
    watcher.moved(spec, {"step": 2})
    assert points(tmp_path / "events" / folder.path.name) == [(0, 2.0), (1, 3.0), (2, 4.0)]
    write_curve(folder.path, range(4), loss=2.0)
    watcher.ended(Outcome(spec, "finished"))
    assert len(points(tmp_path / "events" / folder.path.name)) == 4
    assert [outcome.ending for outcome in told.done] == ["finished"]


def test_without_the_extra_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(tmp_path, last=counts_with(70))
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = CliRunner().invoke(main, ["status", "--results", str(tmp_path), "--tensorboard", "events"])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith("pip install 'infoseg-bench[tensorboard]'")
