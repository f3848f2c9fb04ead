from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.leaderboard import leaderboard, leaderboard_csv, markdown
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.published_figures import later_figures, published_figures, published_logs
from infoseg_bench.scoring.matching import majority, one_to_one
from infoseg_bench.scoring.scores import score
from tests.reporting.runs import FINGERPRINT, add_run, counts_with


def boards(results: Path) -> list[Board]:
    runs, problems = read_runs(results)
    assert problems == []
    return make_boards(runs)


def board(results: Path) -> Board:
    (only,) = boards(results)
    return only


def table(text: str) -> list[dict[str, str]]:
    """The rows of the only table in a Markdown text."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert set(cells[1]) == {"---"}
    return [dict(zip(cells[0], row, strict=True)) for row in (cells[0:1] + cells[2:])[1:]]


def csv_rows(shown: Board) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(leaderboard_csv(shown))))


def test_seeds_become_one_row_with_mean_and_sample_deviation_as_computed_by_hand(tmp_path: Path) -> None:
    for seed, (last, best) in {2: (90, 95), 0: (70, 75), 1: (80, 85)}.items():
        add_run(tmp_path, seed=seed, last=counts_with(last), best=counts_with(best))
    shown = board(tmp_path)
    assert list(shown.runs["seed"]) == [0, 1, 2]
    cells = table(markdown(shown))[0]
    assert cells["method"] == "InfoSeg"
    assert cells["seeds"] == "3"
    assert cells["PA"] == "80.0 ± 10.0"
    assert cells["PA, best step (chosen with labels)"] == "85.0 ± 10.0"
    line = csv_rows(shown)[0]
    assert (line["n"], line["seeds"]) == ("3", "0 1 2")
    assert float(line["pixel_accuracy_mean"]) == pytest.approx(0.8)
    assert float(line["pixel_accuracy_std"]) == pytest.approx(0.1)
    assert float(line["best_pixel_accuracy_mean"]) == pytest.approx(0.85)


def test_a_single_seed_has_no_deviation(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    shown = board(tmp_path)
    assert table(markdown(shown))[0]["PA"] == "70.0"
    assert csv_rows(shown)[0]["pixel_accuracy_std"] == ""


@pytest.mark.parametrize(
    "other", [{"fingerprint": "cd" * 32}, {"protocol": "published"}, {"dataset": "your-photos"}]
)
def test_other_pixels_labels_or_protocols_never_stand_on_the_same_board(
    tmp_path: Path, other: dict[str, str]
) -> None:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(80), seed=1, **other)  # type: ignore[arg-type]
    shown = boards(tmp_path)
    assert sorted(len(one.rows) for one in shown) == [1, 1]
    assert len({one.name for one in shown}) == 2
    for one in shown:
        keys = one.runs[["dataset", "fingerprint", "protocol"]].to_numpy().tolist()
        assert keys == [[one.dataset, one.fingerprint, one.protocol]]
        assert one.protocol in markdown(one)
        assert one.fingerprint[:12] in markdown(one)


@pytest.mark.parametrize(
    "other",
    [
        {"steps": 200},
        {"steps": None},
        {"parameters": {"lr": 0.1}},
        {"method_version": 2},
        {"method": "kmeans", "method_title": "K-Means"},
    ],
)
def test_runs_that_differ_in_more_than_the_seed_are_never_averaged(
    tmp_path: Path, other: dict[str, object]
) -> None:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(80), seed=1, **other)  # type: ignore[arg-type]
    shown = board(tmp_path)
    assert [cells["PA"] for cells in table(markdown(shown))[:2]] == ["80.0", "70.0"]
    assert [float(row["pixel_accuracy_mean"]) for row in csv_rows(shown)[:2]] == pytest.approx([0.8, 0.7])
    assert len({row["row"] for row in csv_rows(shown)[:2]}) == 2


def test_the_best_row_comes_first(tmp_path: Path) -> None:
    for number, correct in enumerate([70, 90, 60, 80]):
        add_run(tmp_path, last=counts_with(correct), method=f"method-{number}", method_title=f"M{number}")
    assert [cells["method"] for cells in table(markdown(board(tmp_path)))] == [
        "M1",
        "M3",
        "M0",
        "M2",
        "constant prediction",
    ]


def test_the_constant_prediction_is_a_row_of_every_board(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    shown = board(tmp_path)
    last = table(markdown(shown))[-1]
    assert (last["method"], last["PA"], last["mean IoU"]) == ("constant prediction", "60.0", "30.0")
    assert set(last.values()) == {"constant prediction", "60.0", "30.0", ""}
    line = csv_rows(shown)[-1]
    assert (line["method"], float(line["pixel_accuracy_mean"])) == ("constant prediction", 0.6)
    assert (line["dataset"], line["fingerprint"]) == ("my-photos", FINGERPRINT)


WORSE = np.array([[[20, 30], [20, 30]]])
"""Half of the pixels right, where the constant prediction has 60 % of them."""


@pytest.mark.parametrize("worse", [0, 1, 2])
def test_the_constant_prediction_stands_between_the_rows_above_and_below_it(
    tmp_path: Path, worse: int
) -> None:
    for number in range(2):
        last = WORSE if number < worse else counts_with(80)
        add_run(tmp_path, last=last, method=f"method-{number}")
    names = [cells["method"] for cells in table(markdown(board(tmp_path)))]
    assert names.index("constant prediction") == 2 - worse


def test_a_collapsed_run_is_marked_and_never_ranked(tmp_path: Path) -> None:
    collapsed = np.array([[[40, 60], [0, 0]]], dtype=np.int64)
    add_run(tmp_path, last=collapsed, method="a", method_title="A")
    add_run(tmp_path, last=WORSE, method="b", method_title="B")
    first, _, second = table(markdown(board(tmp_path)))
    assert (first["method"], first["rank"], first["note"]) == ("A", "–", "collapsed in 1 of 1 seed")  # noqa: RUF001
    assert (second["method"], second["rank"]) == ("B", "1")


def test_a_board_by_mean_iou_ranks_by_mean_iou(tmp_path: Path) -> None:
    # All of the frequent class, and a bit of each.
    add_run(tmp_path, last=np.array([[[0, 5], [20, 75]]], dtype=np.int64), method="a", method_title="A")
    add_run(tmp_path, last=np.array([[[20, 15], [0, 65]]], dtype=np.int64) * 2, method="b", method_title="B")
    shown = board(tmp_path)
    ranked = leaderboard(shown, by="mean_iou").shown
    assert [name for name in ranked["method"] if len(name) == 1] == ["B", "A"]
    values = ranked["mean IoU"].astype(float)
    assert list(values) == sorted(values, reverse=True)


def test_the_papers_figure_stands_beside_the_measured_one_with_its_source(tmp_path: Path) -> None:
    add_run(tmp_path, dataset="coco-stuff-3", method="infoseg", last=counts_with(70))
    shown = board(tmp_path)
    cells = table(markdown(shown))[0]
    assert (cells["PA"], cells["paper's PA"]) == ("70.0", "73.8")
    assert "GCPR 2021, Table 1" in markdown(shown)
    line = csv_rows(shown)[0]
    assert float(line["published_pixel_accuracy"]) == pytest.approx(0.738)
    assert "Table 1" in line["published_source"]


@pytest.mark.parametrize(
    ("dataset", "method"), [("my-photos", "infoseg"), ("coco-stuff-3", "my-method"), ("coco-persons", "ac")]
)
def test_without_a_published_figure_the_column_is_left_out(tmp_path: Path, dataset: str, method: str) -> None:
    add_run(tmp_path, dataset=dataset, method=method, last=counts_with(70))
    shown = board(tmp_path)
    assert "paper's PA" not in table(markdown(shown))[0]
    assert "GCPR" not in markdown(shown)
    line = csv_rows(shown)[0]
    assert (line["published_pixel_accuracy"], line["published_source"]) == ("", "")


@pytest.mark.parametrize(("dataset", "shown_there"), [("coco-stuff", True), ("coco-persons", False)])
def test_best_and_last_epoch_of_a_published_log_stand_below_the_board(
    tmp_path: Path, dataset: str, shown_there: bool
) -> None:
    add_run(tmp_path, dataset=dataset, method="iic", method_title="IIC", last=counts_with(70))
    text = "IIC's own log: best 27.67 at epoch 7, chosen with labels, last 25.44 at epoch 28"
    assert (text in markdown(board(tmp_path))) is shown_there


def test_figures_of_tables_are_the_best_epochs_of_the_logs() -> None:
    logs = published_logs()
    assert ((logs["untrained"] < logs["last"]) & (logs["last"] < logs["best"])).all()
    assert ((logs["best_epoch"] > 0) & (logs["best_epoch"] < logs["last_epoch"])).all()
    both = logs.join(published_figures()["pixel_accuracy"], how="inner")
    assert [*both.index] == [("iic", data) for data in ("coco-stuff", "coco-stuff-3", "potsdam", "potsdam-3")]
    assert both["pixel_accuracy"].to_list() == pytest.approx(both["best"].to_list(), abs=6e-4)


def test_published_figures_are_shares_with_a_source_and_a_selection() -> None:
    figures = published_figures()
    assert figures.loc[("infoseg", "coco-stuff-3"), "pixel_accuracy"] == pytest.approx(0.738)
    assert figures.loc[("iic", "potsdam-3"), "pixel_accuracy"] == pytest.approx(0.651)
    assert figures["pixel_accuracy"].between(0.1, 0.8).all()
    assert (figures[["source", "selection"]] != "").all(axis=None)


def test_later_figures_are_shares_of_known_data_with_their_marks() -> None:
    figures = later_figures().set_index(["method", "dataset", "readout"])
    stego = figures.loc[[("STEGO, ViT-B/8", "coco-stuff-27", "clusters")]]
    assert [*stego["pixel_accuracy"], *stego["mean_iou"]] == pytest.approx([0.569, 0.282])
    assert "CRF" in stego["marks"].item()
    assert figures["marks"][("PiCIE, released log", "cityscapes", "clusters")] == "scored on val and train"
    assert figures["marks"][("PiCIE", "coco-stuff-27", "clusters")] == ""
    datasets = {"coco-stuff-27", "cityscapes", "potsdam-3-rgb"}
    assert set(figures.index.get_level_values("dataset")) == datasets
    assert (figures[["source", "pretraining"]] != "").all(axis=None)


def test_the_csv_holds_what_the_counts_say_and_the_markdown_the_same_rounded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    measured = {seed: rng.integers(1, 50, (4, 3, 3)).astype(np.int64) for seed in range(3)}
    for seed, counts in measured.items():
        add_run(tmp_path, seed=seed, last=counts, label_use="mask")
    shown = board(tmp_path)
    totals = [counts.sum(axis=0) for counts in measured.values()]
    matched = [score(total, one_to_one(total)) for total in totals]
    figures = {
        "pixel_accuracy": [one.pixel_accuracy for one in matched],
        "mean_iou": [one.mean_iou for one in matched],
        "mean_class_accuracy": [one.mean_class_accuracy for one in matched],
        "majority_pixel_accuracy": [score(total, majority(total)).pixel_accuracy for total in totals],
    }
    line = next(csv.DictReader(io.StringIO(leaderboard_csv(shown))))
    cells = table(markdown(shown))[0]
    titles = {
        "pixel_accuracy": "PA",
        "mean_iou": "mean IoU",
        "mean_class_accuracy": "mean class accuracy",
        "majority_pixel_accuracy": "PA, majority vote (many-to-one)",
        "normalized_mutual_information": "NMI",
        "adjusted_rand_index": "ARI",
    }
    for name, values in figures.items():
        assert float(line[f"{name}_mean"]) == pytest.approx(np.mean(values))
        assert float(line[f"{name}_std"]) == pytest.approx(np.std(values, ddof=1))
    for name, title in titles.items():
        mean, deviation = 100 * float(line[f"{name}_mean"]), 100 * float(line[f"{name}_std"])
        assert cells[title] == f"{mean:.1f} ± {deviation:.1f}"
    assert (line["steps"], line["label_use"], line["train_images_per_second"]) == ("100", "mask", "250.0")
    assert (cells["rank"], cells["note"]) == ("–", "used labels: mask")  # noqa: RUF001
    assert (cells["steps"], cells["images/s"], cells["peak memory"]) == ("100", "250", "1.5 GiB")


def test_the_facts_and_the_note_of_the_data_stand_above_the_table(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70), title="Photos of a garden", note="for trying only.")
    text = markdown(board(tmp_path)).partition("|")[0]
    for words in (
        "## Photos of a garden",
        "**For trying only.**",
        "2 classes",
        "7 photos",
        "2 scored",
        "128x128",
    ):
        assert words in text


HOSTILE = {
    "a pipe": "sky | ground",
    "a line break": "sky\nground",
    "a row of its own": "x |\n| InfoSeg | 3 | 99.9 |",
    "a heading": "x\n## Another board",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_name_breaks_the_table_or_the_heading(tmp_path: Path, name: str) -> None:
    add_run(tmp_path, last=counts_with(70), method_title=name, title=name, note=name)
    lines = markdown(board(tmp_path)).splitlines()
    assert [line for line in lines if line.startswith("#")] == lines[:1]
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    widths = {line.replace(r"\|", "").count("|") for line in rows}
    assert len(widths) == 1


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '<img src="x" onerror="alert(1)">'])
def test_no_name_becomes_html(tmp_path: Path, name: str) -> None:
    add_run(tmp_path, last=counts_with(70), method_title=name, title=name, note=name)
    assert name not in markdown(board(tmp_path))


def test_any_name_is_read_back_from_the_csv(tmp_path: Path) -> None:
    name = 'a, "quoted" | name\nof two lines'
    add_run(tmp_path, last=counts_with(70), method=name.replace("\n", " "), label_use=name)
    line = csv_rows(board(tmp_path))[0]
    assert (line["method"], line["label_use"]) == (name.replace("\n", " "), name)


def test_rows_of_one_method_are_named_by_the_settings_in_which_they_differ(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(80), parameters={"lr": 0.1, "P": 8})
    add_run(tmp_path, last=counts_with(75), parameters={"lr": 0.2, "P": 8}, steps=200)
    add_run(tmp_path, last=counts_with(70), method="kmeans", method_title="K-Means", parameters={"lr": 0.3})
    names = [row["method"] for row in table(markdown(board(tmp_path)))[:3]]
    assert names == ["InfoSeg (lr=0.1, steps=100)", "InfoSeg (lr=0.2, steps=200)", "K-Means"]


def test_a_setting_that_only_newer_runs_have_tells_them_from_the_older_ones(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(80), parameters={"lr": 0.1})
    add_run(tmp_path, last=counts_with(75), parameters={"lr": 0.1, "flip": False})
    names = [row["method"] for row in table(markdown(board(tmp_path)))[:2]]
    assert names == ["InfoSeg (flip=unset)", "InfoSeg (flip=False)"]


def test_in_a_study_of_one_setting_at_a_time_only_what_is_unusual_is_told(tmp_path: Path) -> None:
    usual = {"lr": 0.1, "tau": 1.0, "P": 8}
    for correct, changed in ((90, {}), (80, {"lr": 0.2}), (70, {"tau": 2.0, "P": 4}), (60, {"P": None})):
        add_run(tmp_path, last=counts_with(correct), parameters={**usual, **changed})
    names = [row["method"] for row in table(markdown(board(tmp_path)))[:4]]
    assert names == ["InfoSeg (P=8)", "InfoSeg (lr=0.2, P=8)", "InfoSeg (tau=2.0, P=4)", "InfoSeg (P=None)"]


@pytest.mark.parametrize("word", ["published", "corrected"])
def test_quirks_that_agree_are_told_in_one_word_and_others_by_name(tmp_path: Path, word: str) -> None:
    agreed = {"padding": word, "order": word, "mask": False}
    add_run(tmp_path, last=counts_with(90), parameters=agreed)
    add_run(
        tmp_path,
        last=counts_with(80),
        parameters={"padding": "corrected", "order": "published", "mask": True},
    )
    shown = board(tmp_path)
    names = [row["method"] for row in table(markdown(shown))[:2]]
    settings = [shown.settings(row) for row in shown.rows.index]
    first, second = ({f"{name}={value}" for name, value in one.items()} for one in settings)
    assert names[0] == f"InfoSeg (quirks {word}, mask=False)"
    told = set(names[1].removeprefix("InfoSeg (").removesuffix(")").split(", "))
    assert told == second - first
    assert json.loads(csv_rows(shown)[0]["settings"]) == settings[0]
