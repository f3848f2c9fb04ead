from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from tests.cli.commands import command, environment, infoseg_bench

PREPARE = ["prepare", "synthetic-scenes", "--images", "1000"]


def start(folder: Path) -> subprocess.Popen[str]:
    """Start preparing, and wait until photos have been written."""
    process = subprocess.Popen(
        command(*PREPARE),
        cwd=folder,
        env=environment(),
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 1_000_000 for path in folder.glob("data/*.partial")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "data").iterdir() if not path.name.startswith("."))


def test_ctrl_c_is_one_clear_line_and_leaves_nothing(tmp_path: Path) -> None:
    process = start(tmp_path)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "Error: interrupted; nothing half-written was left behind"
    assert "Traceback" not in errors
    assert visible(tmp_path) == []


def test_what_a_kill_leaves_is_never_taken_for_a_store_and_the_next_time_replaces_it(
    tmp_path: Path,
) -> None:
    process = start(tmp_path)
    process.kill()
    process.communicate(timeout=60)
    assert visible(tmp_path) == ["synthetic-scenes.h5.partial"]
    assert "Nothing is prepared in data" in infoseg_bench(tmp_path, "list").stdout
    assert infoseg_bench(tmp_path, "prepare", "synthetic-scenes", "--images", "3").returncode == 0
    assert visible(tmp_path) == ["synthetic-scenes.h5"]
