"""What loggers wrote, read back with the tools' own readers or from the bytes of their files."""

from __future__ import annotations

import json
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.errors import UsageError
from infoseg_bench.launchers.outcome import Outcome
from infoseg_bench.launchers.watch_logs import LogWatcher
from infoseg_bench.loggers.named import LOGGERS, curve_followers
from infoseg_bench.records.folder import RunFolder
from tests.launchers.test_local import Noting
from tests.reporting.runs import add_run, counts_with

Points = list[tuple[int, float]]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A finished run with a parameter, without a curve yet."""
    return add_run(tmp_path, last=counts_with(70), parameters={"lr": 0.25})


def write_curve(run: RunFolder, steps: range, loss: float = 1.0) -> None:
    lines: list[dict[str, Any]] = [{"step": step, "loss": loss + step} for step in steps]
    run.curve_file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def read_csv(place: Path, run: RunFolder) -> Points:
    table = pd.read_csv(place / f"{run.path.name}.csv")
    return list(zip(table["step"], table["loss"], strict=True))


def read_tensorboard(place: Path, run: RunFolder) -> Points:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(place / run.path.name))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


def read_mlflow(place: Path, run: RunFolder) -> Points:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=place.as_uri())
    experiment = client.get_experiment_by_name("infoseg-bench")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == run.path.name
    assert found.info.status == "FINISHED"
    assert found.data.params["lr"] == "0.25"
    return [(metric.step, metric.value) for metric in client.get_metric_history(found.info.run_id, "loss")]


def read_wandb(place: Path, run: RunFolder) -> Points:
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

    (file,) = place.glob("wandb/offline-run-*/*.wandb")
    records: list[Any] = []
    until = time.monotonic() + 60
    while not any(record.HasField("exit") for record in records):  # W&B writes in the background
        assert time.monotonic() < until, f"{file} stays incomplete"
        records = [Record.FromString(content) for content in wandb_records(file.read_bytes())]
    begun, *_ = [record.run for record in records if record.HasField("run")]
    assert begun.display_name == run.path.name
    assert json.loads(next(item.value_json for item in begun.config.update if item.key == "lr")) == 0.25
    points = []
    for history in (record.history for record in records if record.HasField("history")):
        values = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in history.item}
        points.append((int(values["_step"]), float(values["loss"])))
    return points


def wandb_records(content: bytes) -> Iterator[bytes]:
    """Read W&B's offline file: a LevelDB log of blocks of 32 KiB after a header of seven bytes."""
    position, parts = 7, b""
    while position + 7 <= len(content):
        left = -position % 32768
        position += left if left < 7 else 0
        _, length, kind = struct.unpack("<IHB", content[position : position + 7])
        parts += content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # a whole record, or the end of one in several parts
            yield parts
            parts = b""


READERS: dict[str, Callable[[Path, RunFolder], Points]] = {
    "csv": read_csv,
    "mlflow": read_mlflow,
    "tensorboard": read_tensorboard,
    "wandb": read_wandb,
}


def test_every_logger_is_read_back_here() -> None:
    assert set(READERS) == set(LOGGERS)


@pytest.mark.parametrize("name", READERS)
def test_a_log_is_the_curve_with_no_step_twice_after_a_run_went_back(
    name: str, run: RunFolder, tmp_path: Path
) -> None:
    if name != "csv":
        pytest.importorskip(name, reason=f"needs the extra {name}")
    place = tmp_path / "logs"
    (follower,) = curve_followers([f"{name}={place}"], tmp_path).values()
    for end, loss in ((5, 1.0), (8, 1.0), (3, 2.0), (6, 2.0)):
        write_curve(run, range(end), loss)
        follower.follow(run)
    follower.end(run)
    assert READERS[name](place, run) == [(step, 2.0 + step) for step in range(6)]
    # A later command logs the same run again, in place of what is there.
    (follower,) = curve_followers([f"{name}={place}"], tmp_path).values()
    write_curve(run, range(4), loss=3.0)
    follower.end(run)
    assert READERS[name](place, run) == [(step, 3.0 + step) for step in range(4)]


def test_a_value_that_appears_later_adds_a_column_to_the_csv(run: RunFolder, tmp_path: Path) -> None:
    lines = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}, {"step": 2, "pixel_accuracy": 0.75}]
    run.curve_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (follower,) = curve_followers(["csv"], tmp_path).values()
    follower.end(run)
    text = (tmp_path / "logs" / "csv" / f"{run.path.name}.csv").read_text()
    assert text == "step,loss,pixel_accuracy\n1,0.5,\n2,0.25,0.75\n"


@pytest.mark.parametrize("options", [["--log", "csv=here"], ["--log", "csv"], ["--tensorboard", "here"]])
def test_status_logs_the_runs_of_a_results_folder(
    options: list[str], run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if options[0] == "--tensorboard":
        pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    monkeypatch.chdir(tmp_path)
    write_curve(run, range(3))
    done = CliRunner().invoke(main, ["status", "--results", str(tmp_path), *options])
    assert done.exit_code == 0, done.output
    place = tmp_path / ("here" if "here" in options[1] else "logs/csv")
    read = read_tensorboard if options[0] == "--tensorboard" else read_csv
    assert read(place, run) == [(0, 1.0), (1, 2.0), (2, 3.0)]


def test_curves_are_logged_while_a_run_is_under_way(run: RunFolder, tmp_path: Path) -> None:
    noting = Noting()
    watcher = LogWatcher(noting, curve_followers([f"csv={tmp_path}"], tmp_path), tmp_path)
    write_curve(run, range(3))
    watcher.moved(run.spec(), {"step": 2})
    assert len(read_csv(tmp_path, run)) == 3
    write_curve(run, range(4))
    watcher.ended(Outcome(run.spec(), "finished"))
    assert len(read_csv(tmp_path, run)) == 4
    assert [outcome.ending for outcome in noting.done] == ["finished"]


def test_a_logger_that_fails_leaves_the_runs_and_other_loggers_alone(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("")
    logs = [f"csv={tmp_path / 'a-file'}", f"csv={tmp_path / 'folder'}"]
    noting = Noting()
    watcher = LogWatcher(noting, curve_followers(logs, tmp_path), tmp_path)
    write_curve(run, range(3))
    for _ in range(2):
        watcher.ended(Outcome(run.spec(), "finished"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"The logger csv ({tmp_path / 'a-file'}) failed and is left out")
    assert len(read_csv(tmp_path / "folder", run)) == 3
    assert len(noting.done) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tensorbord", "did you mean tensorboard?"),
        ("csv=", "is empty: add a folder"),
        ("", "unknown logger"),
    ],
)
def test_a_wrong_choice_is_one_line_with_the_remedy(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$") as raised:
        curve_followers([text], tmp_path)
    assert expected in str(raised.value)


@pytest.mark.parametrize("name", ["mlflow", "tensorboard", "wandb"])
def test_without_the_extra_one_line_says_how_to_get_it(
    name: str, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    done = CliRunner().invoke(main, ["status", "--results", str(tmp_path), "--log", f"{name}=events"])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"pip install 'infoseg-bench[{name}]'")
