from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from infoseg_bench.records.sources import stored_runs
from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.leaderboard import markdown
from infoseg_bench.reporting.loaded_runs import read_runs

CHECKOUT = Path(__file__).parents[2]
REPORTS = CHECKOUT / "reports"
FOLDERS = sorted({file.parent for file in REPORTS.rglob("*.zip")})
"""Folders of committed packs."""


@pytest.mark.parametrize("packs", FOLDERS, ids=lambda folder: str(folder.relative_to(REPORTS)))
def test_every_committed_record_follows_from_its_committed_counts(packs: Path) -> None:
    stored, _ = stored_runs([packs])
    runs, problems = read_runs(packs)
    assert problems == []
    assert len(runs) == len(stored) > 0


@pytest.mark.parametrize("packs", FOLDERS, ids=lambda folder: str(folder.relative_to(REPORTS)))
def test_the_committed_leaderboards_are_those_of_the_committed_records(packs: Path) -> None:
    runs, _ = read_runs(packs)
    committed = (packs.parent / "leaderboard.md").read_text()
    for board in make_boards(runs):
        assert markdown(board) in committed


@pytest.mark.parametrize("packs", FOLDERS, ids=lambda folder: str(folder.relative_to(REPORTS)))
def test_what_a_committed_leaderboard_links_is_committed(packs: Path) -> None:
    links = re.findall(r"\]\(([^):]+)\)", (packs.parent / "leaderboard.md").read_text())
    assert links
    assert [link for link in links if not (packs.parent / link).exists()] == []


def test_the_repository_stays_light() -> None:
    """Fewer than 700 tracked files and 6 MB: runs are packs, and what can be written again is left out."""
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "-C", str(CHECKOUT), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    files = [CHECKOUT / name for name in listed.stdout.split("\0") if name]
    assert len(files) < 700
    assert sum(file.lstat().st_size for file in files if file.exists()) < 6_000_000
