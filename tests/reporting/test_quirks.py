from __future__ import annotations

from pathlib import Path

from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.quirks import quirks
from tests.reporting.runs import add_run, counts_with


def found(results: Path) -> list[dict[str, str]]:
    grid = quirks(make_boards(read_runs(results)[0]))
    return [dict(zip(grid.head, row, strict=True)) for row in grid.body] if grid else []


def test_published_stands_beside_corrected_with_what_differs_and_by_how_much(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70), parameters={"padding": "corrected", "mask": False, "lr": 1})
    published = {"padding": "published", "mask": True, "lr": 1}
    add_run(tmp_path, last=counts_with(80), parameters=published, label_use="mask")
    (line,) = found(tmp_path)
    assert line["as published"] == "padding, mask=True"
    assert (line["PA corrected"], line["PA published"], line["seeds"]) == ("70.0", "80.0", "1 and 1")
    assert line["difference"].startswith("+10.0 (")


def test_protocols_are_compared_without_an_interval(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(65), protocol="published")
    (line,) = found(tmp_path)
    assert (line["as published"], line["difference"]) == ("protocol", "-5.0")


def test_rows_that_differ_in_anything_else_are_not_compared(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70), parameters={"padding": "corrected", "lr": 1})
    for other in (
        {"parameters": {"padding": "published", "lr": 2}},
        {"steps": 5},
        {"fingerprint": "cd" * 32},
    ):
        add_run(tmp_path, last=counts_with(80), **{"parameters": {"padding": "published", "lr": 1}, **other})  # type: ignore[arg-type]
    assert found(tmp_path) == []
