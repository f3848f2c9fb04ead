from __future__ import annotations

import json
import os
import pty
import re
import select
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.launchers.outcome import Outcome
from infoseg_bench.launchers.status_columns import describe, row
from infoseg_bench.launchers.watch import PlainWatcher, TableWatcher, watcher
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import Budget, RunSpec
from infoseg_bench.utils.progress import show_progress
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


def test_the_table_has_a_row_for_every_run_under_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    watcher = TableWatcher([SPEC, *OTHERS])
    watcher.started(SPEC)
    watcher.moved(SPEC, TOLD)
    shown = drawn(watcher)
    assert "0 of 3 runs done" in shown
    for word in ("steps/s", "time left", "mine infoseg seed 2", "100/400", "50.0%", "2.0 h"):
        assert word in shown
    watcher.ended(Outcome(SPEC, "failed", "by [design]"))
    assert "mine infoseg seed 2: failed: by [design]" in capsys.readouterr().err
    assert "1 of 3 runs done" in drawn(watcher)
    assert "100/400" not in drawn(watcher)


@pytest.mark.parametrize("columns", [60, 80])
def test_the_table_leaves_columns_out_and_cuts_no_cell(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "30")
    variants = [SPEC.model_copy(update={"parameters": {"a_setting": value}}) for value in range(30)]
    watcher = TableWatcher(variants)
    for spec in variants:
        watcher.started(spec)
        watcher.moved(spec, TOLD)
    for spec in variants[:28]:
        watcher.ended(Outcome(spec, "finished", figures={"step": 400, "pixel_accuracy": 0.625}))
    lines = drawn(watcher).splitlines()
    assert max(map(len, lines)) <= columns
    assert 25 <= len(lines) <= 30
    words = " ".join(" ".join(lines).split())
    active = [f"{NAME} running 100/400", "a_setting=28", f"{NAME} running 100/400", "a_setting=29"]
    assert re.findall(r"mine \w+ seed \d running \d+/400|a_setting=\d+", words)[-4:] == active


def drawn(watcher: TableWatcher) -> str:
    from rich.console import Console

    with (console := Console(width=200)).capture() as capture:
        console.print(watcher._table())
    return capture.get()


def test_a_finished_run_keeps_its_accuracy_in_the_table() -> None:
    watcher = TableWatcher([SPEC, *OTHERS])
    for spec in (SPEC, OTHERS[0]):
        watcher.started(spec)
        watcher.moved(spec, TOLD)
    watcher.ended(Outcome(SPEC, "finished", figures={"step": 400, "pixel_accuracy": 0.625}))
    done, under_way = drawn(watcher).splitlines()[-2:]
    assert ("finished" in done, "400/400" in done, "62.5%" in done) == (True, True, True)
    assert "running" in under_way


def test_plain_lines_say_that_a_run_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainWatcher([SPEC])
    watcher.started(SPEC)
    watcher.retrying(Outcome(SPEC, "failed", "killed by SIGKILL", transient=True))
    assert "mine infoseg seed 2: killed by SIGKILL; trying again" in capsys.readouterr().err


def test_plain_lines_number_the_runs_in_the_order_of_their_starts(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainWatcher([SPEC, *OTHERS])
    watcher.started(SPEC)
    watcher.started(OTHERS[0])
    watcher.retrying(Outcome(SPEC, "failed", "killed by SIGKILL", transient=True))
    watcher.started(SPEC)
    watcher.ended(Outcome(OTHERS[0], "finished"))
    watcher.started(OTHERS[1])
    started = [line for line in capsys.readouterr().err.splitlines() if line.startswith("[")]
    assert started == [
        f"[{at}/3] mine infoseg seed {seed} ..." for at, seed in ((1, 2), (2, 0), (1, 2), (3, 1))
    ]


def status(results: Path, *words: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(main, ["status", "--results", str(results), "--json", *words])
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def shown(results: Path, *words: str, columns: int = 80) -> list[str]:
    environment = {"COLUMNS": str(columns)}
    done = CliRunner(env=environment).invoke(main, ["status", "--results", str(results), *words])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_status_shows_the_same_columns_and_forgets_the_pace_of_the_dead(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, SPEC)
    folder.create(SPEC)
    folder.write_status(**TOLD)
    with folder.lock():
        alive = shown(tmp_path, columns=120)
        (run,) = status(tmp_path)
    assert (
        " ".join(alive[1].split())
        == f"{SPEC.short_id} mine infoseg seed 2 running 100/400 1.2500 50.0% 2.5 0.44 12 2.0 h"
    )
    assert (run["state"], run["step"], run["identity"]) == ("running", 100, SPEC.identity)
    dead = "\n".join(shown(tmp_path))
    assert "2.0 h" not in dead
    assert "running" not in dead


def test_status_in_json_has_numbers_as_numbers(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, SPEC)
    folder.create(SPEC)
    folder.write_status(**TOLD)
    with folder.lock():
        (run,) = status(tmp_path)
    expected = {
        "id": SPEC.identity[:8], "dataset": "mine", "method": "infoseg", "seed": 2, "step": 100, "steps": 400,
        "pixel_accuracy": 0.5, "loss": 1.25, "steps_per_second": 12.0, "seconds_left": 7200.0, "error": "",
    }  # fmt: skip
    assert {key: run[key] for key in expected} == expected


def test_an_interrupted_run_shows_its_step_and_its_latest_accuracy(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, SPEC)
    folder.create(SPEC)
    lines = [{"step": 40, "loss": 1.5}, {"step": 40, "pixel_accuracy": 0.4}, {"step": 60, "loss": 1.25}]
    folder.curve_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    folder.checkpoint_file.write_bytes(b"")
    (run,) = status(tmp_path)
    assert (run["state"], run["step"], run["pixel_accuracy"]) == ("interrupted", 60, 0.4)
    assert "60/400" in shown(tmp_path)[1]
    assert "40.0%" in shown(tmp_path)[1]


def test_status_can_be_narrowed(tmp_path: Path) -> None:
    others = [SPEC, SPEC.model_copy(update={"method": "iic"}), SPEC.model_copy(update={"dataset": "hers"})]
    for spec in others:
        RunFolder.of(tmp_path, spec).create(spec)
    RunFolder.of(tmp_path, SPEC).checkpoint_file.write_bytes(b"")
    assert [run["method"] for run in status(tmp_path, "--method", "iic")] == ["iic"]
    assert [run["dataset"] for run in status(tmp_path, "--dataset", "hers")] == ["hers"]
    assert [run["identity"] for run in status(tmp_path, "--state", "interrupted")] == [SPEC.identity]
    assert len(status(tmp_path, "--dataset", "hers", "--dataset", "mine")) == 3
    done = CliRunner().invoke(main, ["status", "--results", str(tmp_path), "--method", "ac"])
    assert done.exit_code == 1
    assert "no runs of this selection" in done.output


def test_damaged_files_are_named_and_hide_no_other_run(tmp_path: Path) -> None:
    specs = [SPEC, *OTHERS]
    for spec in specs:
        RunFolder.of(tmp_path, spec).create(spec)
    RunFolder.of(tmp_path, SPEC).record_file.write_text('{"schema_version": 1')
    RunFolder.of(tmp_path, OTHERS[0]).spec_file.write_text("{")
    (tmp_path / "runs" / "notes").mkdir()
    done = CliRunner().invoke(main, ["status", "--results", str(tmp_path), "--json"])
    found = json.loads(done.stdout)
    assert {run["seed"]: run["state"] for run in found} == {1: "missing", 2: "damaged"}
    assert "record.json" in next(run["error"] for run in found if run["seed"] == 2)
    assert str(RunFolder.of(tmp_path, OTHERS[0]).spec_file) in done.stderr
    assert "1 entry without a spec.json left out: notes" in done.stderr


def test_a_status_of_wrong_types_and_a_curve_that_is_a_folder_hide_no_other_run(tmp_path: Path) -> None:
    for spec in (SPEC, *OTHERS):
        RunFolder.of(tmp_path, spec).create(spec)
    folder = RunFolder.of(tmp_path, SPEC)
    odd = dict.fromkeys(TOLD, "x") | {"pixel_accuracy": 0.5, "diagnostics": {"cluster_usage": "x"}}
    folder.status_file.write_text(json.dumps(odd))
    folder.curve_file.write_text('{"step": 40, "loss": "y"}\n{"loss": 1.0}\n')
    RunFolder.of(tmp_path, OTHERS[0]).curve_file.mkdir()
    with folder.lock():
        found = {run["seed"]: run for run in status(tmp_path)}
        assert [found[2][name] for name in ("state", "step", "pixel_accuracy")] == ["running", None, 0.5]
        assert "50.0%" in "\n".join(shown(tmp_path))
    assert {seed: run["state"] for seed, run in found.items()} == {0: "damaged", 1: "missing", 2: "running"}
    assert "curve.jsonl: cannot be read (Is a directory)" in found[0]["error"]
    assert [run["step"] for run in status(tmp_path) if run["seed"] == 2] == [40]


@pytest.mark.parametrize("columns", [60, 80])
def test_status_fits_into_narrow_terminals(tmp_path: Path, columns: int) -> None:
    long = SPEC.model_copy(update={"dataset": "coco-stuff-3", "method": "random-cnn"})
    specs = [long.model_copy(update={"parameters": {"a_long_parameter": value}}) for value in (0.125, 0.25)]
    for spec in specs:
        folder = RunFolder.of(tmp_path, spec)
        folder.create(spec)
        folder.write_status(**TOLD)
    with RunFolder.of(tmp_path, specs[0]).lock():
        narrow, wide = shown(tmp_path, columns=columns), shown(tmp_path, columns=200)
    assert max(map(len, narrow)) <= columns
    for lines in (narrow, wide):
        text = "\n".join(lines)
        for word in (specs[0].short_id, "running", "50.0%", "a_long_parameter=0.125"):
            assert word in text
        assert ("100/400" in text) == ("step" in lines[0]) == (len(lines[0]) > 60)
    assert "agreement" in wide[0]


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
    assert "Stopping: every run saves a checkpoint" in shown
    # Moves the cursor up, over what it has drawn before.
    assert "\x1b[1A" in shown


def test_a_terminal_that_cannot_draw_anew_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for terminal, kind in (("dumb", PlainWatcher), ("xterm", TableWatcher)):
        monkeypatch.setenv("TERM", terminal)
        assert isinstance(watcher([SPEC]), kind)
    monkeypatch.setattr("infoseg_bench.utils.progress.PLAIN_INTERVAL", 0.0)
    monkeypatch.setenv("TERM", "dumb")
    assert list(show_progress([1, 2], "counting")) == [1, 2]
    assert "counting: 1 of 2" in capsys.readouterr().err


def read_until(terminal: int, word: str) -> str:
    shown = ""
    deadline = time.monotonic() + 30
    while word not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536).decode()
    return shown
