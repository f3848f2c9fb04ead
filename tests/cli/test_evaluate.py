from __future__ import annotations

import csv
import html
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from infoseg_bench.cli import main
from infoseg_bench.data.store import Store
from infoseg_bench.records.audit import audit
from infoseg_bench.records.folder import RunFolder
from tests.data.miniature import make_view, random_photos, write_photos, write_store

CROP = 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_store(tmp_path / "data" / "mini.h5", photos=6, labels="visible")
    return tmp_path


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def photos() -> list[tuple[str, np.ndarray]]:
    """Ids and labels of the whole photos; void where 255."""
    made = random_photos(6, labels="visible")
    return [(photo.id, photo.labels) for photo in made if photo.labels is not None]


def truth(labels: np.ndarray) -> np.ndarray:
    """Clusters that are right wherever it counts: another number for each class, void among the first."""
    table = np.full(256, 7, dtype=np.uint8)
    table[:3] = [7, 200, 0]
    return np.asarray(table[labels])


def write_maps(folder: Path, change: Callable[[np.ndarray], np.ndarray] = lambda clusters: clusters) -> Path:
    folder.mkdir()
    for name, labels in photos():
        np.save(folder / f"{name}.npy", change(truth(labels)))
    return folder


def evaluate(maps: Path, *words: str) -> tuple[int, str]:
    return call("evaluate", "--dataset", "mini", "--predictions", str(maps), *words)


def test_perfect_maps_with_numbers_of_their_own_score_all_pixels(folder: Path) -> None:
    status, output = evaluate(write_maps(folder / "maps"))
    assert status == 0
    assert "6 images, 3 clusters, 3 classes" in output
    assert "PA 100.00 % (one-to-one" in output
    assert "not saved" in output


@pytest.mark.parametrize("kind", ["L", "P", "I;16", "npy-int64", "npy-uint16"])
def test_every_kind_of_whole_numbers_scores_alike(folder: Path, kind: str) -> None:
    (folder / "maps").mkdir()
    for name, labels in photos():
        clusters = truth(labels)
        if kind.startswith("npy"):
            np.save(folder / "maps" / f"{name}.npy", clusters.astype(kind[4:]))
            continue
        image = Image.fromarray(clusters.astype(np.uint16) * 300 if kind == "I;16" else clusters)
        if kind == "P":
            image.putpalette([value // 3 for value in range(768)])
        image.save(folder / "maps" / f"{name}.png")
    status, output = evaluate(folder / "maps")
    assert status == 0, output
    assert "PA 100.00 % (one-to-one" in output


def test_clusters_beyond_the_classes_are_wrong_one_to_one_and_right_by_majority(folder: Path) -> None:
    def split(clusters: np.ndarray) -> np.ndarray:
        return np.where(np.arange(clusters.shape[1]) % 2 == 0, clusters, clusters + 20).astype(np.int64)

    status, output = evaluate(write_maps(folder / "maps", split))
    assert status == 0
    assert "6 clusters, 3 classes" in output
    assert "PA 100.00 % (majority" in output
    assert 40 < float(output.split("PA ")[1].split(" %")[0]) < 65


def test_the_written_photos_are_what_maps_of_the_crop_are_of(folder: Path) -> None:
    assert call("evaluate", "--dataset", "mini", "--write-images", "crops")[0] == 0
    (folder / "maps").mkdir()
    files = sorted((folder / "crops").glob("*.png"))
    assert len(files) == 6
    for file in files:
        with Image.open(file) as image:
            assert image.size == (CROP, CROP)
            # The miniature's classes are steps of brightness.
            Image.fromarray(np.asarray(image)[..., 0] // 74).save(folder / "maps" / file.name)
    status, output = evaluate(folder / "maps")
    assert status == 0
    assert float(output.split("PA ")[1].split(" %")[0]) > 95


def test_a_named_row_joins_the_board_marked_external(folder: Path) -> None:
    maps = write_maps(folder / "maps")
    status, output = evaluate(maps, "--name", "Ours, v2 (large)")
    assert status == 0, output
    (path,) = (folder / "results" / "runs").iterdir()
    record = RunFolder(path).finished_record()
    assert record is not None
    audit(RunFolder(path), record)
    assert record.spec.external
    assert record.costs is None
    assert record.label_use == "not declared"
    status, shown = call("report")
    assert status == 0
    assert "Ours, v2 (large)" in shown
    board = folder / "results" / "report" / "leaderboard.md"
    row = next(
        line for line in board.read_text().splitlines() if "Ours, v2 (large) (external) | 100.0" in line
    )
    assert "used labels: not declared; external" in row
    assert call("verify", "--data", "data")[0] == 0
    assert evaluate(maps, "--name", "Ours, v2 (large)", "--seed", "1", "--labels-used", "none")[0] == 0
    assert call("report")[0] == 0
    assert "Ours, v2 (large) (external) | 100.0 ± 0.0" in board.read_text()


def test_other_maps_under_the_same_name_are_refused_unless_forced(folder: Path) -> None:
    maps, other = write_maps(folder / "maps"), write_maps(folder / "other", np.zeros_like)
    assert evaluate(maps, "--name", "A")[0] == 0
    assert evaluate(maps, "--name", "A")[0] == 0
    status, output = evaluate(other, "--name", "A")
    assert status == 1
    assert "--force" in output
    assert evaluate(other, "--name", "A", "--force")[0] == 0
    (record,) = (folder / "results" / "runs").glob("*/record.json")
    assert "collapsed" in json.loads(record.read_text())["warnings"][0]


@pytest.mark.parametrize("numbers", [(3, 4), (5, 4), (9, 77), (1000, 1 << 40)])
def test_extra_clusters_are_wrong_and_shown_as_stegos_evaluator_drops_them(
    folder: Path, numbers: tuple[int, int]
) -> None:
    # By rows of ten pixels: six of class 0, three of class 1, one of class 2.
    labels = np.repeat([[0] * 6 + [1] * 3 + [2]], 10, axis=0).T.astype(np.uint8)
    photo = type(random_photos(1)[0])("photo", np.zeros((10, 10, 3), dtype=np.uint8), labels)
    write_photos(folder / "data" / "mini.h5", [photo], [make_view([photo], crop=10)])
    one, other = numbers
    # Number 1 does not occur; the clusters below 3 have 60 pixels, 50 of them right.
    clusters = np.array([0, 0, 0, 0, 2, other, one, one, one, 2])
    (folder / "maps").mkdir()
    np.save(folder / "maps" / "photo.npy", np.repeat(clusters[:, None], 10, axis=1))
    status, output = evaluate(folder / "maps", "--name", "A")
    assert status == 0, output
    assert "1 image, 4 clusters, 3 classes" in output
    assert "PA 80.00 % (one-to-one: the headline)" in output
    told = (
        "one-to-one, as in STEGO's evaluator, which drops 40.0 % of the pixels: those of clusters 3 and above"
    )
    assert f"PA 83.33 % ({told})" in output
    assert call("report")[0] == 0
    report = folder / "results" / "report"
    (row,) = csv.DictReader((report / "quirks.csv").read_text().splitlines())
    assert [float(row[name]) for name in ("corrected_mean", "published_mean")] == pytest.approx(
        [0.8, 50 / 60]
    )
    for page in ("leaderboard.md", "index.html"):
        assert "STEGO's evaluator, extra clusters dropped (40.0 % of the pixels)" in html.unescape(
            (report / page).read_text()
        )


def test_extra_clusters_are_dropped_as_in_stegos_evaluator_where_that_is_asked_for(folder: Path) -> None:
    labels = np.repeat([[0] * 6 + [1] * 3 + [2]], 10, axis=0).T.astype(np.uint8)
    photo = type(random_photos(1)[0])("photo", np.zeros((10, 10, 3), dtype=np.uint8), labels)
    write_photos(folder / "data" / "mini.h5", [photo], [make_view([photo], crop=10)])
    # As many numbers as classes, but 7 is not below their number; of the six other rows, four are right.
    clusters = np.array([0, 0, 0, 0, 2, 2, 7, 7, 7, 7])
    maps = folder / "maps"
    maps.mkdir()
    np.save(maps / "photo.npy", np.repeat(clusters[:, None], 10, axis=1))
    row = "--name", "A", "--labels-used", "none"
    assert "PA 70.00 % (one-to-one: the headline)" in evaluate(maps, *row)[1]
    published = "--extra-clusters", "published"
    for named in ((), row):
        status, output = evaluate(maps, *published, *named)
        assert status == 0, output
        assert "PA 66.67 % (one-to-one, extra clusters dropped: the headline)" in output
        assert "pixels of extra clusters are dropped, as in STEGO's evaluator: 40.0 % of all pixels" in output
    assert call("verify", "results", "--data", "data")[0] == 0
    assert call("report")[0] == 0
    report = folder / "results" / "report"
    rows = csv.DictReader((report / "runs.csv").read_text().splitlines())
    scores = {row["param.extra_clusters"]: float(row["pixel_accuracy"]) for row in rows}
    assert scores == pytest.approx({"": 0.7, "published": 4 / 6})
    board = (report / "leaderboard.md").read_text()
    assert all(f"extra_clusters={choice}" in board for choice in ("corrected", "published"))
    (line,) = (line for line in board.splitlines() if line.startswith("| – |"))  # noqa: RUF001
    assert "drops extra clusters" in line
    np.save(maps / "photo.npy", np.full((10, 10), 3))
    status, output = evaluate(maps, *published)
    assert status == 1
    assert "no label map has a number below 3" in output


def test_clusters_numbered_otherwise_are_not_extra_where_there_are_no_more_than_classes(folder: Path) -> None:
    status, output = evaluate(write_maps(folder / "maps"))
    assert status == 0
    assert "STEGO" not in output


def test_pre_trained_weights_of_label_maps_are_declared_with_their_data(folder: Path) -> None:
    maps = write_maps(folder / "maps")
    status, output = evaluate(maps, "--name", "A", "--pretrained", "DINO")
    assert status == 2
    assert "--pretrained 'DINO': name weights and data" in output
    assert evaluate(maps, "--name", "A", "--pretrained", "DINO, trained on ImageNet")[0] == 0
    (record,) = (folder / "results" / "runs").glob("*/record.json")
    assert json.loads(record.read_text())["pretrained"] == "DINO, trained on ImageNet"


@pytest.mark.parametrize(
    "words", [["--pretrained", "DINO, trained on ImageNet"], ["--labels-used", "training"]]
)
def test_seeds_of_one_row_are_declared_alike(folder: Path, words: list[str]) -> None:
    maps = write_maps(folder / "maps")
    assert evaluate(maps, "--name", "A", "--labels-used", "none")[0] == 0
    status, output = evaluate(maps, "--name", "A", "--labels-used", "none", "--seed", "1", *words)
    assert status == 1
    assert "seed 0 of --name 'A' is declared otherwise (labels: none; pre-trained: no)" in output
    assert evaluate(maps, "--name", "A", "--labels-used", "none", "--seed", "1")[0] == 0
    (path,) = (folder / "results" / "runs").glob("*seed1*/record.json")
    content = json.loads(path.read_text())
    content |= (
        {"pretrained": "DINO, trained on ImageNet"} if "--pretrained" in words else {"label_use": "mask"}
    )
    path.write_text(json.dumps(content))
    status, output = call("verify")
    assert (status, "declared otherwise than other seeds of its row" in output) == (1, True)
    assert call("report")[0] == 0
    board = (folder / "results" / "report" / "leaderboard.md").read_text()
    assert "No method leads" in board
    assert ("pre-trained: DINO" if "--pretrained" in words else "used labels: mask") in board


def test_images_of_a_data_set_without_labels_are_not_written(folder: Path) -> None:
    write_store(folder / "data" / "plain.h5", labels="none", name="plain")
    status, output = call("evaluate", "--dataset", "plain", "--write-images", "out")
    assert (status, output) == (1, "Error: plain: no photo to score: prepare it again with labels\n")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a|b", "a\nb", "", "x" * 61, "`rm`"])
def test_a_name_that_cannot_stand_on_a_board_is_refused_before_anything_is_read(
    folder: Path, name: str
) -> None:
    status, output = evaluate(folder / "nowhere", "--name", name)
    assert status == 2
    assert "--name" in output


def faulty(folder: Path, fault: str) -> Path:
    maps = write_maps(folder / "maps")
    first, second = maps / "photo-00.npy", maps / "photo-01.npy"
    if fault == "missing":
        first.unlink()
        second.unlink()
    elif fault == "extra":
        np.save(maps / "stranger.npy", np.zeros((4, 4), int))
    elif fault == "size":
        np.save(first, np.zeros((10, 11), int))
    elif fault == "float":
        np.save(first, np.load(first).astype(np.float32))
    elif fault == "negative":
        np.save(first, np.load(first).astype(int) - 1)
    elif fault == "scores":
        np.save(first, np.zeros((3, CROP, CROP), int))
    elif fault == "pickle":
        np.save(first, np.array([{}]), allow_pickle=True)
    elif fault == "damaged":
        first.write_bytes(first.read_bytes()[:100])
    elif fault == "twice":
        Image.fromarray(np.load(first)).save(first.with_suffix(".png"))
    else:
        first.unlink()
        Image.new(fault, (CROP, CROP)).save(first.with_suffix(".png"))
    return maps


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("missing", "2 missing: photo-00, photo-01"),
        ("extra", "--ignore-extra leaves them out): stranger.npy"),
        ("size", "photo-00.npy (10x11 for a photo of 32x32)"),
        ("float", "of type float32, no whole numbers: take the argmax"),
        ("negative", "negative numbers"),
        ("scores", "not of height x width: use one number per pixel: photo-00.npy (3, 32, 32)"),
        ("pickle", "not readable"),
        ("damaged", "not readable"),
        ("twice", "both PNG and NPY: photo-00"),
        ("RGB", "colour images (RGB), a palette mistaken for classes"),
        ("RGBA", "colour images (RGBA), a palette mistaken for classes"),
    ],
)
def test_a_fault_is_named_in_one_line_and_nothing_is_scored(folder: Path, fault: str, says: str) -> None:
    status, output = evaluate(faulty(folder, fault), "--name", "A")
    assert status == 1
    assert says in output
    assert len(output.splitlines()) == 1
    assert not (folder / "results").exists()


def test_extra_files_are_left_out_on_request(folder: Path) -> None:
    assert evaluate(faulty(folder, "extra"), "--ignore-extra")[0] == 0


def test_a_folder_for_another_data_set_is_recognised(folder: Path) -> None:
    others = [type(photo)(f"other-{photo.id}", photo.image, photo.labels) for photo in random_photos(5)]
    write_photos(folder / "data" / "other.h5", others, [make_view(others, name="other")])
    (folder / "maps").mkdir()
    for photo in others:
        np.save(folder / "maps" / f"{photo.id}.npy", np.zeros(photo.size, int))
    status, output = evaluate(folder / "maps")
    assert status == 1
    assert "made for the data set 'other', not for 'mini'" in output
    for file in (folder / "maps").iterdir():
        file.rename(file.with_name(f"un{file.name}"))
    status, output = evaluate(folder / "maps")
    assert status == 1
    assert "use --dataset with another data set" in output


@pytest.mark.parametrize("words", [["--dataset", "minni"], ["--dataset", "mini", "--protocol", "corect"]])
def test_an_unknown_data_set_or_protocol_is_named(folder: Path, words: list[str]) -> None:
    write_maps(folder / "maps")
    status, output = call("evaluate", "--predictions", "maps", *words)
    assert status == 2
    assert "did you mean" in output


def test_palettes_that_contradict_each_other_are_refused_and_what_is_passed_over_is_told(
    folder: Path,
) -> None:
    maps = folder / "maps"
    maps.mkdir()
    for index, (name, labels) in enumerate(photos()):
        clusters = (labels == 1).astype(np.uint8)
        image = Image.fromarray(clusters if index % 2 else 1 - clusters)
        image.putpalette([0, 0, 0, 255, 0, 0] if index % 2 else [255, 0, 0, 0, 0, 0])
        image.save(maps / f"{name}.png")
    (maps / "notes.txt").touch()
    status, output = evaluate(maps)
    assert status == 1
    assert "the palettes disagree: #" in output
    assert "left out of maps: 1 file of other types (notes.txt)" in output.replace(f"{folder}/", "")


def test_palettes_that_differ_or_are_unlike_the_classes_are_told_and_kept(folder: Path) -> None:
    maps = folder / "maps"
    maps.mkdir()
    for index, (name, labels) in enumerate(photos()):
        image = Image.fromarray((labels == 1).astype(np.uint8))
        colours = Store(folder / "data" / "mini.h5").view("mini").palette
        image.putpalette([*(colours[1] if index else (9, 9, 9)), *colours[0]])
        image.save(maps / f"{name}.png")
    status, output = evaluate(maps, "--name", "Mine")
    assert status == 0
    assert "warning: palettes differ in 5 label maps (value 0 is #090909 in " in output
    assert "is value 0 in the classes of mini and value 1 in " in output
    (record,) = (folder / "results" / "runs").glob("*/record.json")
    assert "palette indices are used" in record.read_text()
