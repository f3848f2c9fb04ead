from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infoseg_bench.utils import progress
from infoseg_bench.utils.progress import ProgressFactory, no_progress, show_progress

ITEMS = ["a", "b", "c"]


@pytest.mark.parametrize("factory", [show_progress, no_progress])
def test_the_items_come_through_unchanged(factory: ProgressFactory) -> None:
    assert isinstance(factory, ProgressFactory)
    assert list(factory(ITEMS, "reading")) == ITEMS
    assert list(factory([], "reading")) == []


def test_away_from_a_terminal_plain_lines_go_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", 0.0)
    list(show_progress(ITEMS, "reading"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [f"reading: {done} of 3" for done in range(3)]


def test_short_work_away_from_a_terminal_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    list(show_progress(ITEMS, "reading"))
    list(no_progress(ITEMS, "reading"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_on_a_terminal_a_bar_is_drawn_and_standard_output_stays_free() -> None:
    code = (
        "from infoseg_bench.utils.progress import show_progress\n"
        "print(list(show_progress(['a', 'b', 'c'], 'reading photos')))"
    )
    terminal, error = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=error,
            text=True,
            check=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        )
        drawn = os.read(terminal, 1 << 16).decode()
    finally:
        os.close(terminal)
        os.close(error)
    assert done.stdout.strip() == str(ITEMS)
    assert "reading photos" in drawn


def test_leaving_the_loop_early_is_no_error() -> None:
    for item in show_progress(ITEMS, "reading"):
        assert item == "a"
        break
