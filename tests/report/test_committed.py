from __future__ import annotations

from pathlib import Path

import pytest

from infoseg_bench.report.boards import make_boards, read_records
from infoseg_bench.report.leaderboard import markdown

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.mark.parametrize("folder", ["records", "studies/records"])
def test_every_committed_record_follows_from_its_committed_counts(folder: str) -> None:
    records, problems = read_records(REPORTS / folder)
    assert problems == []
    assert len(records) == len(list((REPORTS / folder / "runs").iterdir())) > 0


def test_the_committed_boards_are_those_of_the_committed_records() -> None:
    records, _ = read_records(REPORTS / "records")
    committed = (REPORTS / "boards" / "leaderboard.md").read_text()
    for board in make_boards(records):
        assert markdown(board) in committed
