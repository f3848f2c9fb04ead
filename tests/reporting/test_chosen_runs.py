from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from infoseg_bench.cli import main
from tests.reporting.runs import add_run, counts_with


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for dataset in ("lakes", "roads"):
        for method in ("infoseg", "kmeans"):
            add_run(tmp_path / "results", last=counts_with(70), dataset=dataset, method=method)
    return tmp_path / "results"


def report(results: Path, *options: str) -> Result:
    out = results.parent / "out"
    return CliRunner().invoke(main, ["report", "--results", str(results), "--out", str(out), *options])


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--dataset", "lakes"], {("lakes", "infoseg"), ("lakes", "kmeans")}),
        (["--method", "kmeans"], {("lakes", "kmeans"), ("roads", "kmeans")}),
        (["--dataset", "roads", "--method", "infoseg"], {("roads", "infoseg")}),
        (["--dataset", "lakes", "--state", "finished"], {("lakes", "infoseg"), ("lakes", "kmeans")}),
        (
            ["--dataset", "lakes", "--dataset", "roads", "--method", "kmeans"],
            {("lakes", "kmeans"), ("roads", "kmeans")},
        ),
    ],
)
def test_a_report_shows_the_chosen_runs_alone(
    results: Path, options: list[str], rows: set[tuple[str, str]]
) -> None:
    done = report(results, *options)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(results.parent / "out" / "runs.csv")
    assert set(zip(table["dataset"], table["method"], strict=True)) == rows


def test_a_choice_without_runs_is_an_error_that_says_so(results: Path) -> None:
    for choice in (["--dataset", "seas"], ["--state", "unscored"]):
        done = report(results, *choice)
        assert done.exit_code == 1
        assert "no finished run of this choice in" in done.output


def test_a_damaged_run_is_named_whatever_the_choice(results: Path) -> None:
    damaged = add_run(results, last=counts_with(60), dataset="lakes", method="infoseg", seed=7)
    damaged.record_file.write_text("{")
    done = report(results, "--dataset", "roads")
    assert done.exit_code == 0, done.output
    assert damaged.path.name in (results.parent / "out" / "leaderboard.md").read_text()
