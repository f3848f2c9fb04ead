from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import infoseg_bench
from infoseg_bench.reporting.leaderboard import markdown
from infoseg_bench.reporting.published_figures import published_ablations
from tests.data.miniature import write_store
from tests.reporting.runs import add_run, counts_with
from tests.reporting.test_boards import board, table

SOFT = {"estimator": "jensen-shannon", "assignment": "soft", "lr": 1e-4}
HARD = {**SOFT, "assignment": "hard"}


def rows(results: Path) -> dict[str, dict[str, str]]:
    """The rows of the only ablation table on the only board."""
    (text,) = ("|" + part.partition("|")[2] for part in markdown(board(results)).split("### ")[1:])
    return {row["variant"]: row for row in table(text)}


def test_a_study_repeated_stands_beside_the_papers_figures(tmp_path: Path) -> None:
    for seed, correct in enumerate((70, 80, 90)):
        add_run(tmp_path, seed=seed, last=counts_with(correct), best=counts_with(95), parameters=SOFT)
    add_run(tmp_path, last=counts_with(60), parameters=HARD)
    found = rows(tmp_path)
    assert list(found) == list(published_ablations()[0].rows["title"])
    soft = found["JSD, soft assignment"]
    assert (soft["seeds"], soft["PA"], soft["paper's PA"]) == ("3", "80.0 ± 10.0", "73.8")
    assert soft["PA, best step (chosen with labels)"] == "95.0 ± 0.0"
    assert found["JSD, hard assignment"]["PA"] == "60.0"
    assert found["DV, soft assignment"]["PA"] == "not run"


def test_the_ablation_suite_plans_the_rows_of_the_papers_table(tmp_path: Path) -> None:
    write_store(tmp_path / "data" / "mini.h5", labels="visible")
    planned = infoseg_bench.run(
        suite="ablation", datasets=["mini"], seeds=[0], steps=2, device="cpu", dry_run=True,
        data=tmp_path / "data", results=tmp_path / "results",
    )  # fmt: skip
    for run in planned.plan.specs:
        add_run(tmp_path / "results", last=counts_with(60), dataset="mini", parameters=run.parameters)
    assert {title: row["paper's PA"] for title, row in rows(tmp_path / "results").items()} == {
        "IIC-MI in place of the step": "60.2",
        "DV, hard assignment": "53.9",
        "DV, soft assignment": "55.1",
        "JSD, hard assignment": "67.3",
        "JSD, soft assignment": "73.8",
    }
    assert {row["PA"] for row in rows(tmp_path / "results").values()} == {"60.0"}


@pytest.mark.parametrize(("dataset", "told"), [("my-photos", True), ("coco-stuff-3", False)])
def test_figures_of_another_data_set_are_said_to_be_so(tmp_path: Path, dataset: str, told: bool) -> None:
    for parameters in (SOFT, HARD):
        add_run(tmp_path, last=counts_with(60), parameters=parameters, dataset=dataset)
    text = markdown(board(tmp_path))
    assert "GCPR 2021, Table 2" in text
    assert ("figures are of coco-stuff-3" in text) == told


def test_runs_that_began_differently_share_a_table_and_say_so(tmp_path: Path) -> None:
    iic = {**SOFT, "estimator": "iic", "initialisation": "he"}
    for parameters in ({**SOFT, "initialisation": "torch"}, {**SOFT, "initialisation": "he"}, iic):
        add_run(tmp_path, last=counts_with(60), parameters=parameters)
    assert [title for title in rows(tmp_path) if "initialisation" in title] == [
        "IIC-MI in place of the step, initialisation=he",
        "JSD, soft assignment, initialisation=he",
        "JSD, soft assignment, initialisation=torch",
    ]
    add_run(tmp_path, last=counts_with(60), parameters={**HARD, "batch_norm": True})
    assert "JSD, hard assignment, batch_norm=True, initialisation=unset" in rows(tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        {"parameters": {**HARD, "lr": 1e-3}},
        {"parameters": HARD, "steps": 50},
        {"parameters": HARD, "method": "another"},
        {"parameters": {**SOFT, "estimator": "something-else"}},
    ],
)
def test_runs_that_differ_in_more_than_the_studied_settings_make_no_table(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    add_run(tmp_path, last=counts_with(60), parameters=SOFT)
    add_run(tmp_path, last=counts_with(70), **other)
    assert "###" not in markdown(board(tmp_path))


def test_every_published_row_names_the_same_settings() -> None:
    for study in published_ablations():
        settings = list(study.rows["settings"])
        assert len({tuple(sorted(one)) for one in settings}) == 1
        assert len({str(sorted(one.items())) for one in settings}) == len(settings)
        assert study.rows["pixel_accuracy"].between(0, 1, inclusive="neither").all()
