from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.data.store import Store
from tests.cli.commands import command, environment, launched_here
from tests.datasets.official import GROUND, PLANT, SKY, StuffFolder, zip_folders

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
    assert errors.strip().splitlines()[-1] == ("Error: Interrupted. Run the same command again to resume.")
    assert "Traceback" not in errors
    assert visible(tmp_path) == []


SWALLOWED = """
import os, signal, weakref
from infoseg_bench.cli.prepare import _interruptible_progress

progress = _interruptible_progress()
class Thing: pass
thing = Thing()
watched = weakref.ref(thing, lambda gone: (os.kill(os.getpid(), signal.SIGINT), print("not here")))
for item in progress(range(3), "counting"):
    print(item, flush=True)
    thing = None
"""


def test_ctrl_c_that_falls_into_a_callback_is_heard_without_a_traceback_of_it() -> None:
    words = [sys.executable, "-c", SWALLOWED]
    done = subprocess.run(words, env=environment(), text=True, capture_output=True, check=False)
    assert done.stdout == "0\n"
    assert "Exception ignored" not in done.stderr
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")


def test_what_a_kill_leaves_is_never_taken_for_a_store_and_the_next_time_replaces_it(
    tmp_path: Path,
) -> None:
    process = start(tmp_path)
    process.kill()
    process.communicate(timeout=60)
    assert visible(tmp_path) == ["synthetic-scenes.h5.partial"]
    assert "Nothing is prepared in data" in launched_here(tmp_path, "list").stdout
    assert launched_here(tmp_path, "prepare", "synthetic-scenes", "--images", "3").returncode == 0
    assert visible(tmp_path) == ["synthetic-scenes.h5"]


def test_coco_stuff_continues_after_a_kill_and_ends_the_same(tmp_path: Path) -> None:
    coco = StuffFolder(tmp_path / "coco")
    for photo in range(8):
        coco.add(photo, SKY, PLANT, GROUND, width=480, height=360)
    zips = zip_folders(coco.root, tmp_path / "zips")
    # Photos that are scaled up make parts of few, and take their time.
    words = ["prepare", "coco-stuff", "--source", str(zips), "--scale", "3"]
    process = subprocess.Popen(command(*words), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("data/.coco-stuff.parts/*.npz"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)
    parts = {path: path.stat().st_mtime_ns for path in tmp_path.glob("data/.coco-stuff.parts/*.npz")}
    assert "Nothing is prepared in data" in launched_here(tmp_path, "list").stdout
    assert 2 <= len(parts) < 8
    again = launched_here(tmp_path, *words)
    assert again.returncode == 0, again.stderr
    anew = launched_here(tmp_path, *words, "--data", "other")
    assert anew.returncode == 0, anew.stderr
    fingerprints = [Store(tmp_path / name / "coco-stuff.h5").fingerprint for name in ("data", "other")]
    assert fingerprints[0] == fingerprints[1]
    assert visible(tmp_path) == ["coco-stuff.h5"]


def test_what_does_not_resume_does_not_promise_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for command_line in (["list"], ["status"], ["verify"]):
        monkeypatch.setattr(main.commands[command_line[0]], "invoke", interrupted)
        done = CliRunner().invoke(main, command_line)
        assert (done.exit_code, done.stderr) == (130, "Error: Interrupted.\n")
    monkeypatch.setattr(main.commands["run"], "invoke", interrupted)
    done = CliRunner().invoke(main, ["run"])
    assert done.stderr == "Error: Interrupted. Run the same command again to resume.\n"
