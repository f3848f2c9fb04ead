from __future__ import annotations

from pathlib import Path

import pytest

from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.leaderboard import markdown
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.output import LIST

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.mark.parametrize("folder", ["records", "studies/records", "demo/records"])
def test_every_committed_record_follows_from_its_committed_counts(folder: str) -> None:
    runs, problems = read_runs(REPORTS / folder)
    assert problems == []
    assert len(runs) == len(list((REPORTS / folder / "runs").iterdir())) > 0


@pytest.mark.parametrize(("records", "boards"), [("records", "boards"), ("demo/records", "demo")])
def test_the_committed_boards_are_those_of_the_committed_records(records: str, boards: str) -> None:
    runs, _ = read_runs(REPORTS / records)
    committed = (REPORTS / boards / "leaderboard.md").read_text()
    for board in make_boards(runs):
        assert markdown(board) in committed


@pytest.mark.parametrize("folder", ["boards", "demo"])
def test_every_file_of_a_committed_report_is_committed(folder: str) -> None:
    names = (REPORTS / folder / LIST).read_text().splitlines()
    assert [name for name in names if not (REPORTS / folder / name).is_file()] == []
