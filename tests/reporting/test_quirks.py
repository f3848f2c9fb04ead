from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.quirks import quirks
from infoseg_bench.reporting.table import to_csv
from tests.reporting.runs import add_run, counts_with


def found(results: Path) -> list[dict[str, str]]:
    found = quirks(make_boards(read_runs(results)[0]))
    return (
        [{str(name): str(text) for name, text in row.items()} for row in found.shown.to_dict("records")]
        if found
        else []
    )


def test_its_csv_has_plain_numbers(tmp_path: Path) -> None:
    for seed, correct in enumerate((70, 80)):
        add_run(tmp_path, seed=seed, last=counts_with(correct), parameters={"padding": "corrected"})
    add_run(tmp_path, last=counts_with(90), parameters={"padding": "published"})
    found = quirks(make_boards(read_runs(tmp_path)[0]))
    assert found is not None
    assert found.numbers is not None
    (line,) = pd.read_csv(io.StringIO(to_csv(found.numbers))).to_dict("records")
    assert line["corrected_mean"] == pytest.approx(0.75)
    assert line["corrected_std"] == pytest.approx(0.0707, abs=1e-4)
    assert (line["corrected_n"], line["published_n"]) == (2, 1)
    assert line["difference"] == pytest.approx(0.15)
    assert line["difference_low"] < line["difference"] < line["difference_high"]


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


def test_rows_of_one_method_are_told_apart_by_their_settings(tmp_path: Path) -> None:
    for lr in (1, 2):
        for padding in ("published", "corrected"):
            add_run(tmp_path, last=counts_with(70 + lr), parameters={"padding": padding, "lr": lr})
    lines = found(tmp_path)
    assert [line["as published"] for line in lines] == ["padding", "padding"]
    assert [("lr=1" in line["method"], "lr=2" in line["method"]) for line in lines] == [
        (False, True),
        (True, False),
    ]


def test_a_row_with_extra_clusters_is_shown_as_stegos_evaluator_scores_it(tmp_path: Path) -> None:
    images = np.array([[[60, 0], [0, 10], [10, 20]]])
    add_run(tmp_path, last=images, method="external-s", method_title="S (external)", steps=None)
    (line,) = found(tmp_path)
    assert line["as published"] == "STEGO's evaluator, extra clusters dropped (30.0 % of the pixels)"
    assert (line["PA corrected"], line["PA published"], line["difference"]) == ("80.0", "100.0", "+20.0")
