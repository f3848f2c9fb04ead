from __future__ import annotations

from pathlib import Path

import pytest

from infoseg_bench.report.boards import make_boards
from infoseg_bench.report.evidence import read_runs
from infoseg_bench.report.leaderboard import markdown

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.mark.parametrize("folder", ["records", "studies/records"])
def test_every_committed_record_follows_from_its_committed_counts(folder: str) -> None:
    runs, problems = read_runs(REPORTS / folder)
    assert problems == []
    assert len(runs) == len(list((REPORTS / folder / "runs").iterdir())) > 0


def test_the_committed_boards_are_those_of_the_committed_records() -> None:
    runs, _ = read_runs(REPORTS / "records")
    committed = (REPORTS / "boards" / "leaderboard.md").read_text()
    for board in make_boards(runs):
        assert markdown(board) in committed
