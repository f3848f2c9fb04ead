from __future__ import annotations

import json
import os
import pty
import select
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.launchers.columns import describe, row
from infoseg_bench.launchers.engine import Outcome
from infoseg_bench.launchers.watch import PlainWatcher, TableWatcher, watcher
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import Budget, RunSpec
from infoseg_bench.utils.text import duration

SPEC = RunSpec(
    dataset="mine", fingerprint="ab", protocol="corrected", method="infoseg", method_version=1,
    parameters={}, budget=Budget(steps=400, evaluate_every=10), seed=2,
)  # fmt: skip
OTHERS = [SPEC.model_copy(update={"seed": seed}) for seed in (0, 1)]
NAME = "mine infoseg seed 2"
TOLD: dict[str, Any] = {
    "state": "running", "step": 100, "steps": 400, "loss": 1.25, "pixel_accuracy": 0.5,
    "steps_per_second": 12.0, "seconds_left": 7200.0,
    "diagnostics": {"cluster_usage": 2.52, "self_agreement": 0.436},
}  # fmt: skip


def test_a_row_shows_state_step_loss_accuracy_label_free_figures_speed_and_time_left() -> None:
    expected = (NAME, "running", "100/400", "1.2500", "50.0%", "2.5", "0.44", "12", "2.0 h", "tau=0.3")
    assert row(SPEC, "running", TOLD, "tau=0.3") == expected


def test_what_is_not_known_is_empty() -> None:
    assert row(SPEC, "starting", {"pixel_accuracy": None}, "") == (NAME, "starting", *[""] * 8)


def test_a_line_in_a_log_says_the_same() -> None:
    assert describe(TOLD) == "step 100 of 400, loss 1.2500, PA 50.0%, 12 steps/s, 2.0 h left"


@pytest.mark.parametrize(("seconds", "words"), [(3.2, "3 s"), (61.0, "1 min"), (5400.0, "1.5 h")])
def test_times_are_written_in_their_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_table_has_a_row_for_every_run_under_way(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    watcher = TableWatcher([SPEC, *OTHERS])
    watcher.started(SPEC)
    watcher.moved(SPEC, TOLD)
    with (console := Console(width=120)).capture() as capture:
        console.print(watcher._table())
    shown = capture.get()
    assert "0 of 3 runs done" in shown
    for word in ("steps/s", "time left", "mine infoseg seed 2", "100/400", "50.0%", "2.0 h"):
        assert word in shown
    watcher.ended(Outcome(SPEC, "failed", "by [design]"))
    assert "mine infoseg seed 2: failed: by [design]" in capsys.readouterr().err
    with console.capture() as capture:
        console.print(watcher._table())
    assert "1 of 3 runs done" in capture.get()
    assert "100/400" not in capture.get()


def test_plain_lines_say_that_a_run_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainWatcher([SPEC])
    watcher.started(SPEC)
    watcher.retrying(Outcome(SPEC, "failed", "killed by SIGKILL", transient=True))
    assert "mine infoseg seed 2: killed by SIGKILL; trying again" in capsys.readouterr().err


def test_status_shows_the_same_columns_and_forgets_the_pace_of_the_dead(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, SPEC)
    folder.create(SPEC)
    folder.write_status(**TOLD)
    with folder.lock():
        alive = CliRunner().invoke(main, ["status", "--results", str(tmp_path)]).output
        found = CliRunner().invoke(main, ["status", "--results", str(tmp_path), "--json"]).output
    (run,) = json.loads(found)
    assert (
        " ".join(alive.splitlines()[1].split()) == "mine infoseg seed 2 running 100/400 1.2500 50.0% 12 2.0 h"
    )
    assert (run["state"], run["step"], run["identity"]) == ("running", "100/400", SPEC.identity)
    dead = CliRunner().invoke(main, ["status", "--results", str(tmp_path)]).output
    assert "2.0 h" not in dead
    assert "running" not in dead


def test_on_a_terminal_the_table_is_drawn_anew_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with os.fdopen(its, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        watching = watcher([SPEC, OTHERS[0]])
        with watching.context():
            watching.started(SPEC)
            watching.moved(SPEC, TOLD)
            watching.stopping()
            shown = read_until(ours, "100/400")
        monkeypatch.undo()
    os.close(ours)
    assert "steps/s" in shown
    assert "stopping: every run checkpoints" in shown
    # Moves the cursor up, over what it has drawn before.
    assert "\x1b[1A" in shown


def read_until(terminal: int, word: str) -> str:
    shown = ""
    deadline = time.monotonic() + 30
    while word not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536).decode()
    return shown
