"""Standard outputs that cannot take everything."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click
import pytest

from infoseg_bench.cli import main
from tests.reporting.runs import add_run, counts_with


@pytest.fixture
def report(tmp_path: Path) -> list[str]:
    """Return the command that prints the board of one run."""
    add_run(tmp_path, last=counts_with(90))
    return ["report", "--results", str(tmp_path)]


def test_characters_that_the_output_cannot_encode_are_replaced(
    report: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="ascii"))
    main.main(report, standalone_mode=False)
    sys.stdout.flush()
    assert b"90.0" in printed.getvalue()
    assert b"?" in printed.getvalue()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_is_full_is_named(report: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["list"], report):
        # Without a buffer, which would try to write again when it is closed.
        with io.TextIOWrapper(open("/dev/full", "wb", buffering=0), write_through=True) as full:
            monkeypatch.setattr(sys, "stdout", full)
            with pytest.raises(click.ClickException, match="standard output: No space left"):
                main.main(words, standalone_mode=False)
