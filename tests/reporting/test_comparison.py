"""Two results folders or packs side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import infoseg_bench
from infoseg_bench.cli import main
from infoseg_bench.reporting.boards import each
from tests.reporting.runs import add_run


def counts(correct: np.ndarray) -> np.ndarray:
    """Counts of images with 100 pixels each of two classes, so many of them right."""
    images = np.zeros((len(correct), 2, 2), dtype=np.int64)
    images[:, 0, 0] = 50
    images[:, 1, 1] = correct - 50
    images[:, 0, 1] = 100 - correct
    return images


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "before", tmp_path / "after"
    correct = np.random.default_rng(0).integers(60, 90, 50)
    for seed in range(2):
        add_run(before, last=counts(correct), seed=seed, parameters={"lr": 0.1, "width": 4})
        add_run(after, last=counts(correct + 5), seed=seed, parameters={"lr": 0.2, "width": 4})
    add_run(before, last=counts(correct), method="kmeans", method_title="K-Means", parameters={"k": 2})
    add_run(after, last=counts(correct), method="kmeans", method_title="K-Means", parameters={"k": 2})
    add_run(before, last=counts(correct), method="iic", method_title="IIC")
    add_run(after, last=counts(correct), dataset="other")
    return before, after


def test_a_gain_of_every_image_is_sure_and_its_cause_is_named(folders: tuple[Path, Path]) -> None:
    found = infoseg_bench.compare(*folders)
    infoseg, kmeans = each(found.rows)
    assert (infoseg.difference, infoseg.low, infoseg.high) == pytest.approx((0.05, 0.05, 0.05))
    assert infoseg.second_pixel_accuracy - infoseg.first_pixel_accuracy == pytest.approx(0.05)
    assert (infoseg.settings, infoseg.first_seeds, infoseg.second_seeds) == ("lr: 0.1 -> 0.2", 2, 2)
    assert (kmeans.difference, kmeans.low, kmeans.high, kmeans.settings) == (0.0, 0.0, 0.0, "")
    assert found.only_first == ("my-photos IIC, 1 seed, protocol corrected",)
    assert found.only_second == ("other InfoSeg, 1 seed, protocol corrected",)


def test_a_difference_that_images_disagree_on_has_a_wide_interval(tmp_path: Path) -> None:
    correct = np.full(50, 75)
    sway = np.where(np.arange(50) % 2, 10, -10)
    add_run(tmp_path / "a", last=counts(correct))
    add_run(tmp_path / "b", last=counts(correct + sway))
    (row,) = each(infoseg_bench.compare(tmp_path / "a", tmp_path / "b").rows)
    assert row.low < -0.01
    assert row.high > 0.01


def test_rows_of_the_same_settings_belong_together_before_similar_ones(tmp_path: Path) -> None:
    correct = np.full(8, 75)
    for lr in (0.1, 0.2):
        add_run(tmp_path / "a", last=counts(correct), parameters={"lr": lr, "width": 4})
    add_run(tmp_path / "b", last=counts(correct), parameters={"lr": 0.2, "width": 4})
    add_run(tmp_path / "b", last=counts(correct), parameters={"lr": 0.1, "width": 8})
    rows = infoseg_bench.compare(tmp_path / "a", tmp_path / "b").rows
    assert [*rows["method"]] == ["InfoSeg (lr=0.2)", "InfoSeg (lr=0.1)"]
    assert [*rows["settings"]] == ["", "width: 4 -> 8"]


def test_rows_that_only_one_side_has_are_told_apart_by_their_settings(tmp_path: Path) -> None:
    correct = np.full(8, 75)
    for lr in (0.1, 0.2):
        add_run(tmp_path / "a", last=counts(correct), parameters={"lr": lr})
    add_run(tmp_path / "b", last=counts(correct), dataset="other")
    found = infoseg_bench.compare(tmp_path / "a", tmp_path / "b")
    assert found.only_first == tuple(
        f"my-photos InfoSeg (lr={lr}), 1 seed, protocol corrected" for lr in (0.1, 0.2)
    )
    assert [*found.rows.columns[:3]] == ["dataset", "protocol", "method"]
    assert found.rows.empty


def test_other_content_of_a_data_set_is_told(tmp_path: Path) -> None:
    correct = np.full(8, 75)
    add_run(tmp_path / "a", last=counts(correct))
    add_run(tmp_path / "b", last=counts(correct), fingerprint="cd" * 32)
    found = infoseg_bench.compare(tmp_path / "a", tmp_path / "b")
    assert found.only_first == ("my-photos (data abababab) InfoSeg, 1 seed, protocol corrected",)
    assert found.only_second == ("my-photos (data cdcdcdcd) InfoSeg, 1 seed, protocol corrected",)


def test_other_images_have_no_interval(tmp_path: Path) -> None:
    add_run(tmp_path / "a", last=counts(np.full(8, 75)))
    add_run(tmp_path / "b", last=counts(np.full(9, 75)))
    words = ["compare", str(tmp_path / "a"), str(tmp_path / "b")]
    assert "other images" in CliRunner().invoke(main, words, catch_exceptions=False).output


def test_the_command_shows_packs_in_percent_and_as_csv(folders: tuple[Path, Path], tmp_path: Path) -> None:
    infoseg_bench.pack(folders[0], out=tmp_path / "before.zip")
    words = ["compare", str(tmp_path / "before.zip"), str(folders[1])]
    shown = CliRunner().invoke(main, words, catch_exceptions=False)
    assert shown.exit_code == 0
    title, infoseg, kmeans, *rest = shown.output.splitlines()
    assert title.split()[:2] == ["data", "set"]
    assert "+5.0 to +5.0" in infoseg
    assert infoseg.endswith("lr: 0.1 -> 0.2")
    assert kmeans.endswith("none")
    narrow = CliRunner().invoke(main, words, catch_exceptions=False, env={"COLUMNS": "72"}).output
    lines = narrow.splitlines()[:5]
    assert lines[2] == "    lr: 0.1 -> 0.2"
    assert max(map(len, lines)) <= 72
    assert rest == [
        f"only in {tmp_path / 'before.zip'}: my-photos IIC, 1 seed, protocol corrected",
        f"only in {folders[1]}: other InfoSeg, 1 seed, protocol corrected",
    ]
    table = CliRunner().invoke(main, [*words, "--csv"], catch_exceptions=False).output
    assert table.startswith("dataset,protocol,method,first_seeds")
    (tmp_path / "empty").mkdir()
    words = ["compare", str(tmp_path / "empty"), str(folders[1])]
    empty = CliRunner().invoke(main, words, catch_exceptions=False)
    assert empty.exit_code == 1
    assert f"{tmp_path / 'empty'}: no finished and scored run to compare" in empty.output
