from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import UNLABELLED, VOID, cluster_names
from infoseg_bench.data.writer import StoreWriter
from infoseg_bench.datasets.image_folder import ImageFolder, ImageFolderOptions
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.preparation import building
from infoseg_bench.preparation.labelled_photos import LabelledPhotos
from infoseg_bench.preparation.preparation import plain_view
from infoseg_bench.utils.progress import no_progress
from tests.datasets.files import interrupting, leftovers, save, scene
from tests.shared import SHARED, needs_shared


class Folder:
    """Five photos of 40x30, three of them labelled, and the folder to prepare them in."""

    def __init__(self, root: Path) -> None:
        self.images, self.labels, self.data = root / "images", root / "labels", root / "data"
        for index, name in enumerate("abcde"):
            save(self.images / f"{name}.png", scene(30, 40, index))
        for index, name in enumerate("ace"):
            labels = np.zeros((30, 40), dtype=np.uint8)
            labels[:, 15 : 15 + 5 * index] = 1
            labels[:3] = 255
            save(self.labels / f"{name}.png", labels)

    def prepare(self, progress: Any = no_progress, **options: Any) -> Prepared:
        values = {
            "name": "mine",
            "images": str(self.images),
            "labels": str(self.labels),
            "classes": "background,person",
            "crop": 16,
        }
        values = {name: value for name, value in {**values, **options}.items() if value is not None}
        parsed = ImageFolderOptions.parse(values, "prepare image-folder")
        prepared: Prepared = ImageFolder().prepare(parsed, self.data, progress)
        return prepared


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def label_maps(prepared: Prepared) -> list[np.ndarray]:
    arrays = Store(prepared.store).arrays(labels=True)
    assert arrays.labels is not None
    sizes = arrays.sizes[arrays.labelled].astype(int)
    parts = np.split(arrays.labels, np.cumsum(sizes.prod(axis=1))[:-1])
    return [part.reshape(size) for part, size in zip(parts, sizes, strict=True)]


def evaluated_labels(prepared: Prepared, name: str) -> torch.Tensor:
    """The labels that a run scores, as it reads them."""
    store = Store(prepared.store)
    view, device = store.view(name), torch.device("cpu")
    crops = EvaluationSet(store.arrays(labels=True), view, protocol="corrected", device=device)
    return torch.cat([labels for _, labels in crops.batches(100)])


def test_trains_on_all_photos_and_evaluates_the_labelled_ones(folder: Folder) -> None:
    prepared = folder.prepare()
    store = Store(prepared.store)
    view = store.view("mine")
    assert prepared.store == folder.data / "mine.h5"
    assert store.ids() == list("abcde")
    assert view.train.tolist() == [0, 1, 2, 3, 4]
    assert view.evaluation.tolist() == [0, 2, 4]
    assert view.classes == ("background", "person")
    assert view.tables["published"] is view.tables["corrected"]
    assert prepared.summary["labelled"] == prepared.summary["evaluated"] == "3"


def test_photos_without_labels_are_prepared_for_a_number_of_clusters(folder: Folder) -> None:
    prepared = folder.prepare(labels=None, classes=None, clusters=3)
    view = Store(prepared.store).view("mine")
    assert prepared.summary["clusters"].startswith("3; without labels nothing is scored")
    assert "class balance" not in prepared.summary
    assert view.classes == ("cluster 0", "cluster 1", "cluster 2")
    assert not view.is_scored
    assert view.shown.tolist() == [0, 1, 2, 3, 4]
    assert bool((evaluated_labels(prepared, "mine") == 0).all())


def test_padding_of_photos_without_labels_is_void(folder: Folder) -> None:
    prepared = folder.prepare(labels=None, classes=None, clusters=3, crop=34)
    labels = evaluated_labels(prepared, "mine")
    assert (labels == 0).sum() == 5 * 30 * 34
    assert (labels == VOID).sum() == 5 * 4 * 34


def test_a_few_of_many_unlabelled_photos_are_shown_evenly_spaced() -> None:
    view = plain_view(ImageFolder(), cluster_names(2), photos=1000, crop=8, evaluation=[])
    assert len(view.shown) == 100
    assert (view.shown[0], view.shown[-1]) == (0, 999)
    assert set(np.diff(view.shown)) == {10, 11}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clusters": 3}, "exactly one of them"),
        ({"classes": None}, "exactly one of them"),
        ({"classes": None, "clusters": 3}, "--clusters is for photos without labels"),
        ({"classes": None, "labels": None, "clusters": 1}, "greater than or equal to 2"),
        ({"classes": None, "labels": None, "clusters": 255}, "less than or equal to 254"),
    ],
)
def test_clusters_exclude_labels_and_classes(folder: Folder, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        folder.prepare(**options)


def test_keeps_pixels_and_labels_as_they_are(folder: Folder) -> None:
    prepared = folder.prepare()
    arrays = Store(prepared.store).arrays(labels=True)
    np.testing.assert_array_equal(arrays.pixels[:1200].reshape(30, 40, 3), scene(30, 40, 0))
    for name, found in zip("ace", label_maps(prepared), strict=True):
        np.testing.assert_array_equal(found, np.asarray(Image.open(folder.labels / f"{name}.png")))


def test_scales_photos_and_labels_as_opencv_does(folder: Folder) -> None:
    prepared = folder.prepare(scale=0.5)
    arrays = Store(prepared.store).arrays(labels=True)
    expected = cv2.resize(scene(30, 40, 0), None, fx=0.5, fy=0.5)
    assert np.abs(arrays.pixels[:300].reshape(15, 20, 3).astype(int) - expected).max() <= 1
    labels = np.asarray(Image.open(folder.labels / "c.png"))
    expected = cv2.resize(labels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(label_maps(prepared)[1], expected)


def test_reports_class_balance_within_the_evaluated_crops(folder: Folder) -> None:
    prepared = folder.prepare()
    labels = evaluated_labels(prepared, "mine")
    background, person = (float((labels == index).sum() / (labels < 2).sum()) for index in range(2))
    assert (round(background, 3), round(person, 3)) == (0.688, 0.312)
    assert prepared.summary["class balance"] == "background 68.8%, person 31.2%"
    assert prepared.summary["constant prediction"] == "68.8% pixel accuracy"


@pytest.mark.parametrize(
    ("rule", "evaluated"),
    [("person >= 0.3", [2, 4]), ("person<=.3", [0]), ("background >= 0", [0, 2, 4]), ("person >= 0.6", [4])],
)
def test_a_rule_restricts_evaluation_only(folder: Folder, rule: str, evaluated: list[int]) -> None:
    prepared = folder.prepare(evaluate_if=rule)
    view = Store(prepared.store).view("mine")
    assert view.evaluation.tolist() == evaluated
    assert len(view.train) == 5
    assert rule in view.note


def test_without_labels_nothing_is_evaluated(folder: Folder) -> None:
    prepared = folder.prepare(labels=None, classes="one,two,three")
    store = Store(prepared.store)
    assert len(store.view("mine").evaluation) == 0
    assert store.view("mine").classes == ("one", "two", "three")
    assert store.labelled == 0
    assert "nothing is scored" in prepared.summary["clusters"]


def test_a_class_map_keeps_unlabelled_and_void_apart(folder: Folder, tmp_path: Path) -> None:
    codes = np.full((30, 40), 105, dtype=np.uint8)
    codes[10:20], codes[20:25], codes[25:] = 93, 0, 255
    for path in folder.labels.iterdir():
        save(path, codes)
    prepared = folder.prepare(classes=None, class_map="coco-stuff-3")
    view = Store(prepared.store).view("mine")
    stored = label_maps(prepared)[0]
    assert view.classes == ("sky", "plant", "ground")
    assert [stored[row, 0] for row in (0, 10, 20, 25)] == [0, 1, VOID, UNLABELLED]
    assert (view.tables["corrected"][[VOID, UNLABELLED]] == VOID).all()


def test_a_class_map_of_ones_own_may_colour_its_classes(folder: Folder, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'void = [255]\n[[classes]]\nname = "x"\ncodes = [0]\ncolour = [1, 2, 3]\n'
        '[[classes]]\nname = "y"\ncodes = [1]\ncolour = [4, 5, 6]\n'
    )
    prepared = folder.prepare(classes=None, class_map=str(own))
    assert Store(prepared.store).view("mine").palette == ((1, 2, 3), (4, 5, 6))


def test_the_store_names_no_folder_of_the_machine(folder: Folder, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('other = "void"\n[[classes]]\nname="x"\ncodes=[0]\n[[classes]]\nname="y"\ncodes=[1]\n')
    prepared = folder.prepare(classes=None, class_map=str(own))
    attributes = Store(prepared.store).attributes
    assert json.loads(attributes["options"])["images"] == "images"
    assert str(tmp_path) not in "".join(str(value) for value in attributes.values())
    assert json.loads(attributes["summary"])["labelled"] == "3"


def test_the_same_photos_give_the_same_fingerprint(folder: Folder) -> None:
    first = folder.prepare().summary["fingerprint"]
    assert folder.prepare().summary["fingerprint"] == first
    assert folder.prepare(void="255,7").summary["fingerprint"] == first
    assert folder.prepare(scale=0.5).summary["fingerprint"] != first


def test_photos_are_turned_upright(folder: Folder) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder.images / "b.png", scene(30, 40, 1), exif=exif)
    store = Store(folder.prepare().store)
    assert store.arrays(labels=False).sizes.tolist()[1] == [40, 30]


def _wrong_size(folder: Folder) -> None:
    save(folder.labels / "c.png", np.zeros((30, 41), dtype=np.uint8))


def _sideways(folder: Folder) -> None:
    save(folder.labels / "c.png", np.zeros((40, 30), dtype=np.uint8))


def _second_label(folder: Folder) -> None:
    save(folder.labels / "c.png.png", np.zeros((30, 40), dtype=np.uint8))


def _other_case(folder: Folder) -> None:
    (folder.labels / "c.png").rename(folder.labels / "c.PNG.png")


def _strange_value(folder: Folder) -> None:
    save(folder.labels / "c.png", np.full((30, 40), 7, dtype=np.uint8))


def _lonely_label(folder: Folder) -> None:
    save(folder.labels / "zebra.png", np.zeros((30, 40), dtype=np.uint8))


def _colour_label(folder: Folder) -> None:
    save(folder.labels / "c.png", scene(30, 40))


def _jpeg_label(folder: Folder) -> None:
    save(folder.labels / "c.jpg", np.zeros((30, 40), dtype=np.uint8))


def _broken_photo(folder: Folder) -> None:
    (folder.images / "d.png").write_bytes(b"not a photo")


def _truncated_photo(folder: Folder) -> None:
    path = folder.images / "d.png"
    path.write_bytes(path.read_bytes()[:-200])


def _same_stem(folder: Folder) -> None:
    save(folder.images / "d.jpg", scene(30, 40))


def _no_label_files(folder: Folder) -> None:
    for path in folder.labels.iterdir():
        path.unlink()


def _no_photos(folder: Folder) -> None:
    for path in folder.images.iterdir():
        path.rename(path.with_suffix(".txt"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_wrong_size, ["c.png", "41x30", "40x30", "scale"]),
        (_sideways, ["c.png", "30x40", "EXIF orientation"]),
        (_second_label, ["c.png.png", "a second label map of the photo 'c', beside c.png", "remove one"]),
        (_other_case, ["c.PNG.png", "rename it to 'c.png'", "upper and lower case"]),
        (_strange_value, ["c.png", "value 7", "background, person", "--void"]),
        (_lonely_label, ["zebra.png", "no photo 'zebra'", "add the photo or remove"]),
        (_colour_label, ["c.png", "a colour image", "one channel"]),
        (_jpeg_label, ["c.jpg", "must be PNGs"]),
        (_broken_photo, ["d.png", "cannot be decoded", "replace or remove"]),
        (_truncated_photo, ["d.png", "cannot be decoded", "replace or remove"]),
        (_same_stem, ["d.jpg and d.png", "rename one"]),
        (_no_label_files, ["labels", "no label PNGs", "leave out --labels"]),
        (_no_photos, ["images", "no photos here"]),
    ],
)
def test_bad_files_are_named_with_the_remedy_and_leave_nothing(
    folder: Folder, damage: Any, words: list[str]
) -> None:
    damage(folder)
    with pytest.raises(UserError) as caught:
        folder.prepare()
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)
    assert leftovers(folder.data) == []


@pytest.mark.parametrize("exif", ["apply", "stored"])
def test_a_sideways_label_map_is_sent_to_the_other_way_to_treat_exif(folder: Folder, exif: str) -> None:
    turned = Image.Exif()
    turned[274] = 6
    Image.fromarray(scene(30, 40, 2)).save(folder.images / "c.png", exif=turned)
    if exif == "stored":
        _sideways(folder)
    with pytest.raises(UserError) as caught:
        folder.prepare(exif=exif)
    assert f"use --exif {'stored' if exif == 'apply' else 'apply'}" in str(caught.value)


def test_two_label_maps_of_a_listed_photo_are_a_fault(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a\nc\n")
    _second_label(folder)
    with pytest.raises(UserError, match="a second label map of the photo 'c'"):
        folder.prepare(only=str(tmp_path / "list.txt"))


def test_the_store_of_another_data_set_is_not_overwritten(folder: Folder) -> None:
    folder.prepare()
    (folder.data / "mine.h5").rename(folder.data / "backup.h5")
    with pytest.raises(UserError, match=r"backup\.h5 contains the data set mine: move it elsewhere, or use"):
        folder.prepare(name="backup")
    assert Store(folder.data / "backup.h5").view_names == ["mine"]


def test_a_name_that_another_store_has_too_is_refused_with_both_remedies(folder: Folder) -> None:
    folder.prepare()
    copy = folder.data / "backup.h5"
    copy.write_bytes((folder.data / "mine.h5").read_bytes())
    with pytest.raises(UserError, match=r"backup\.h5 contains the data set mine too: move it elsewhere, or"):
        folder.prepare()


def test_faults_of_photos_that_are_not_listed_do_not_matter(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a\nc\n")
    _lonely_label(folder)
    save(folder.images / "d.jpg", scene(30, 40, 3))
    assert folder.prepare(only=str(tmp_path / "list.txt")).summary["photos"].startswith("2, ")
    save(folder.images / "c.jpg", scene(30, 40, 1))
    with pytest.raises(UserError, match=r"c\.jpg and c\.png"):
        folder.prepare(only=str(tmp_path / "list.txt"))


def test_an_interrupted_preparation_reads_no_photo_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "PART_PIXELS", 30 * 40)
    read: list[str] = []
    original = LabelledPhotos.read

    def counted(photos: LabelledPhotos, name: str) -> StoredPhoto:
        read.append(name)
        return original(photos, name)

    monkeypatch.setattr(LabelledPhotos, "read", counted)
    with pytest.raises(KeyboardInterrupt):
        folder.prepare(interrupting)
    assert leftovers(folder.data) == []
    before = set(read)
    assert {"a", "b"} <= before
    read.clear()
    resumed = Store(folder.prepare().store).fingerprint
    assert set(read) == set("abcde") - before
    assert not list(folder.data.glob(".*.parts"))
    read.clear()
    assert Store(folder.prepare().store).fingerprint == resumed
    assert set(read) == set("abcde")


def test_parts_of_an_interrupted_preparation_are_not_used_with_other_classes(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(building, "PART_PIXELS", 30 * 40)
    path = tmp_path / "map.toml"
    text = '[[classes]]\nname = "x"\ncodes = [0]\n[[classes]]\nname = "y"\ncodes = [1]\n'
    options = {"classes": None, "class_map": str(path)}
    path.write_text("void = [255]\n" + text)
    with pytest.raises(KeyboardInterrupt):
        folder.prepare(interrupting, **options)
    path.write_text("void = [255]\n" + text.replace("[0]", "[2]").replace("[1]", "[0]").replace("[2]", "[1]"))
    first = label_maps(folder.prepare(**options))
    np.testing.assert_array_equal(first[0][3:, :15], 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "My Photos"}, ["'My Photos'", "lower-case"]),
        ({"classes": None}, ["--class-map MAP", "exactly one"]),
        ({"class_map": "coco-stuff-3"}, ["--class-map MAP", "exactly one"]),
        ({"classes": "person"}, ["1 class name: give 2 to 254, separated by commas", "give 2 to 254"]),
        ({"classes": "a,a"}, ["'a' is named twice"]),
        ({"classes": "a,,b"}, ["an empty class name"]),
        ({"void": "0"}, ["--void 0", "'background'", "--class-map"]),
        ({"void": "x"}, ["'x' is not a label value", "0 to 255"]),
        ({"classes": None, "class_map": "coco-stuf-3"}, ["'coco-stuf-3'", "coco-stuff-3", ".toml"]),
        ({"classes": None, "class_map": "coco-stuff-3", "void": "3"}, ["--void needs --classes"]),
        ({"evaluate_if": "person > 0.2"}, ["'person > 0.2'", "person >= 0.2"]),
        ({"evaluate_if": "persn >= 0.2"}, ["'persn'", "did you mean person"]),
        ({"evaluate_if": "person >= 20"}, ["20 is not a share", "0 to 1"]),
        ({"evaluate_if": "person >= 0.2", "labels": None}, ["--evaluate-if needs labels"]),
        ({"crop": 0}, ["crop", "0"]),
        ({"scale": -1}, ["scale", "-1"]),
        ({"colour": "x"}, ["unknown parameter", "'colour'"]),
    ],
)
def test_wrong_options_are_usage_errors(folder: Folder, options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        folder.prepare(**options)
    assert all(word in str(caught.value) for word in words), caught.value
    assert leftovers(folder.data) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"images": "/no/such/folder"}, ["/no/such/folder", "no such folder"]),
        ({"labels": "/no/such/folder"}, ["/no/such/folder", "no such folder"]),
        ({"evaluate_if": "person >= 0.99"}, ["no labelled photo", "choose another share"]),
        ({"scale": 0.01}, ["a.png", "0.01", "larger --scale"]),
        ({"classes": None, "class_map": "missing.toml"}, ["missing.toml", "cannot be read"]),
    ],
)
def test_what_does_not_fit_the_files_is_a_user_error(
    folder: Folder, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        folder.prepare(**options)
    assert all(word in str(caught.value) for word in words), caught.value
    assert leftovers(folder.data) == []


def test_a_name_that_another_recipe_uses_is_refused(folder: Folder) -> None:
    with StoreWriter(folder.data / "mine.h5", channels=3, attributes={"recipe": "coco-persons"}) as writer:
        view = Store(folder.prepare(name="other").store).view("other")
        for name in "abcde":
            writer.add(name, scene(30, 40))
        nothing_scored = np.array([], dtype=np.int64)
        writer.finish([replace(view, name="mine", evaluation=nothing_scored)])
    with pytest.raises(UserError, match=r"mine\.h5.*made by coco-persons: choose another name"):
        folder.prepare()


def test_interruption_leaves_nothing_and_keeps_what_was_finished(folder: Folder) -> None:
    with pytest.raises(KeyboardInterrupt):
        folder.prepare(interrupting)
    assert leftovers(folder.data) == []
    fingerprint = folder.prepare().summary["fingerprint"]
    with pytest.raises(KeyboardInterrupt):
        folder.prepare(interrupting, scale=0.5)
    assert leftovers(folder.data) == ["mine.h5"]
    assert Store(folder.data / "mine.h5").fingerprint == fingerprint


def test_a_full_disk_is_told_and_leaves_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StoreWriter, "_append", full)
    with pytest.raises(UserError, match=r"mine\.h5: the disk is full"):
        folder.prepare()
    assert leftovers(folder.data) == []


@pytest.fixture(scope="module")
def some_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to the photos with stuff labels, and to the first 300 with person labels."""
    root = tmp_path_factory.mktemp("coco-photos")
    source = SHARED / "data" / "coco-photos"
    for kind, count in (("stuff", 153), ("persons", 300)):
        (root / kind).mkdir()
        for label in sorted((source / kind).glob("*.png"))[:count]:
            (root / kind / label.name).symlink_to(label)
            photo = root / "images" / f"{label.stem}.jpg"
            photo.parent.mkdir(exist_ok=True)
            if not photo.exists():
                photo.symlink_to(source / "images" / photo.name)
    return root


@needs_shared
@pytest.mark.parametrize(
    ("labels", "options", "classes"),
    [
        ("persons", {"classes": "background,person", "evaluate_if": "person >= 0.2"}, 2),
        ("stuff", {"class_map": "coco-stuff-15"}, 15),
        ("stuff", {"class_map": "coco-stuff-3"}, 3),
    ],
)
def test_prepares_real_photos(
    some_photos: Path, tmp_path: Path, labels: str, options: dict[str, str], classes: int
) -> None:
    values = {
        "name": "real",
        "images": str(some_photos / "images"),
        "labels": str(some_photos / labels),
        **options,
    }
    prepared = ImageFolder().prepare(ImageFolderOptions.parse(values, "x"), tmp_path, no_progress)
    store = Store(prepared.store)
    view = store.view("real")
    store.verify()
    counts = np.bincount(evaluated_labels(prepared, "real").ravel(), minlength=256)[:classes]
    assert len(view.classes) == classes
    assert (counts > 0).all()
    if labels == "persons":
        assert 0 < len(view.evaluation) < store.labelled == 300
        assert counts[1] / counts.sum() >= 0.2
    else:
        assert len(view.evaluation) == store.labelled == 153


def test_the_name_of_a_published_data_set_is_kept_for_it(folder: Folder) -> None:
    with pytest.raises(UsageError, match="coco-persons is the name of a published data set"):
        folder.prepare(name="coco-persons")


def rename_all(folder: Path, to: str) -> None:
    for path in list(folder.iterdir()):
        target = folder / to.format(path.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)


def test_label_maps_with_an_end_of_their_own_are_found_with_label_suffix(folder: Folder) -> None:
    expected = folder.prepare().summary["fingerprint"]
    rename_all(folder.labels, "{}_mask.png")
    with pytest.raises(
        UserError, match=r"none of 3 label maps .*'a_mask'.*'a'.*use --label-suffix _mask, or rename"
    ):
        folder.prepare()
    save(folder.labels / "a_colour.png", scene(30, 40))
    prepared = folder.prepare(label_suffix="_mask")
    assert prepared.summary["fingerprint"] == expected
    assert prepared.summary["left out of the labels"] == "1 file not named *_mask (a_colour.png)"


def test_photos_and_labels_may_share_a_folder_if_a_suffix_tells_them_apart(folder: Folder) -> None:
    expected = folder.prepare().summary["fingerprint"]
    rename_all(folder.labels, "{}_mask.png")
    for path in folder.labels.iterdir():
        path.rename(folder.images / path.name)
    prepared = folder.prepare(labels=str(folder.images), label_suffix="_mask")
    assert prepared.summary["fingerprint"] == expected


def test_photos_in_subfolders_find_their_labels_by_path_and_suffix(folder: Folder) -> None:
    rename_all(folder.images, "train/aachen/{}_leftImg8bit.png")
    rename_all(folder.labels, "train/aachen/{}_gtFine_labelIds.png")
    (folder.labels / "train" / "aachen" / "a_gtFine_polygons.json").write_text("{}")
    prepared = folder.prepare(image_suffix="_leftImg8bit", label_suffix="_gtFine_labelIds")
    store = Store(prepared.store)
    assert store.ids() == [f"train/aachen/{name}" for name in "abcde"]
    assert store.view("mine").evaluation.tolist() == [0, 2, 4]
    assert "1 file of other types" in prepared.summary["left out of the labels"]


def test_labels_match_where_only_the_photos_lie_one_folder_deeper(folder: Folder) -> None:
    rename_all(folder.images, "images/{}.png")
    assert folder.prepare().summary["labelled"] == "3"


def test_the_label_map_of_a_photo_may_be_named_with_the_photos_type(folder: Folder) -> None:
    rename_all(folder.labels, "{}.png.png")
    assert folder.prepare().summary["labelled"] == "3"


def test_composed_and_decomposed_names_are_one(folder: Folder) -> None:
    (folder.images / "a.png").rename(folder.images / "Ku\u0308he.png")
    (folder.labels / "a.png").rename(folder.labels / "K\u00fche.png")
    assert folder.prepare().summary["labelled"] == "3"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_only_takes_the_photos_of_a_list_and_says_so(folder: Folder, tmp_path: Path, encoding: str) -> None:
    chosen = tmp_path / "list.txt"
    chosen.write_bytes("a\r\n\r\nb.png\r\nimages\\c.jpg\r\n".encode(encoding))
    rename_all(folder.images, "images/{}.png")
    prepared = folder.prepare(only=str(chosen))
    store = Store(prepared.store)
    assert store.ids() == ["images/a", "images/b", "images/c"]
    assert store.view("mine").evaluation.tolist() == [0, 2]
    assert store.view("mine").note == "only the 3 photos listed in list.txt"
    assert json.loads(store.attributes["options"])["only"] == "list.txt"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\nx\ny\n", ["2 of 3 names", "x, y", "remove these lines"]),
        (b"\n", ["is empty", "one name per line"]),
        (b"M\xfcnchen", ["not UTF-8", "0xfc at position 1"]),
    ],
)
def test_a_list_that_names_no_photos_is_refused(
    folder: Folder, tmp_path: Path, content: bytes, words: list[str]
) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UserError) as caught:
        folder.prepare(only=str(tmp_path / "list.txt"))
    assert all(word in str(caught.value) for word in ["list.txt", *words]), caught.value


def test_all_faults_are_told_at_once_and_may_be_left_out(folder: Folder) -> None:
    _broken_photo(folder)
    (folder.images / "b.png").write_bytes((folder.images / "b.png").read_bytes()[:-200])
    _strange_value(folder)
    _lonely_label(folder)
    with pytest.raises(UserError, match="4 files are wrong") as caught:
        folder.prepare()
    for word in ("2 x this photo cannot be decoded: b.png", "d.png", "c.png", "zebra.png", "--skip-broken"):
        assert word in str(caught.value)
    prepared = folder.prepare(skip_broken=True)
    store = Store(prepared.store)
    assert store.ids() == ["a", "e"]
    assert store.view("mine").note == "4 broken files left out"
    assert prepared.summary["left out as broken"] == "4: zebra.png, b.png, c.png, d.png"
    for path in folder.images.iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="6 files are wrong"):
        folder.prepare(skip_broken=True)


def draw(folder: Folder, value: Any, names: str = "ace") -> None:
    """Give label maps one value on the left and 0 on the right."""
    for name in names:
        labels = np.zeros((30, 40), dtype=np.uint8)
        labels[:, :20] = value
        save(folder.labels / f"{name}.png", labels)


def test_masks_of_0_and_255_are_refused_and_may_be_named(folder: Folder) -> None:
    draw(folder, 255)
    with pytest.raises(UserError, match=r"no pixel of 'person' .*50% are void \(value 255: 50%\)") as caught:
        folder.prepare()
    assert "--classes NAME=VALUE" in str(caught.value)
    assert leftovers(folder.data) == []
    prepared = folder.prepare(classes="background=0,person=255")
    assert prepared.summary["class balance"] == "background 50.0%, person 50.0%"


def test_a_class_without_a_pixel_among_others_is_a_warning(folder: Folder) -> None:
    prepared = folder.prepare(classes="background,person,car,cat")
    (line,) = [line for line in prepared.warnings if "no pixel" in line]
    assert line.startswith("no pixel of 'car', 'cat' in the scored crops")
    assert Store(prepared.store).warnings == list(prepared.warnings)


def test_label_maps_that_are_mostly_void_are_counted(folder: Folder) -> None:
    for name in "ac":
        labels = np.full((30, 40), 255, dtype=np.uint8)
        labels[:, :15] = [[index % 2 for index in range(15)]]
        save(folder.labels / f"{name}.png", labels)
    (line,) = [line for line in folder.prepare().warnings if "void" in line]
    assert line.startswith("more than half void: 2 of 3 label maps (the first: a.png, 62%; value 255:")
    draw(folder, [255], "ace")
    for name in "ace":
        save(folder.labels / f"{name}.png", np.full((30, 40), 255, dtype=np.uint8))
    with pytest.raises(UserError, match=r"every pixel of the 3 label maps is void \(value 255: 100%\)"):
        folder.prepare()


def test_palettes_that_contradict_each_other_are_refused_and_others_told(folder: Folder) -> None:
    def paint(name: str, colours: list[int]) -> None:
        image = Image.fromarray(np.asarray(Image.open(folder.labels / f"{name}.png")))
        image.putpalette(colours)
        image.save(folder.labels / f"{name}.png")

    draw(folder, 1)
    for name in "ac":
        paint(name, [0, 0, 0, 255, 0, 0])
    paint("e", [9, 9, 9, 0, 255, 0])
    warnings = folder.prepare().warnings
    (line,) = [line for line in warnings if "palettes" in line]
    assert line.startswith(
        "palettes differ in 1 label map (value 0 is #000000 in a.png and #090909 in e.png)"
    )
    paint("e", [255, 0, 0, 0, 0, 0])
    with pytest.raises(UserError, match=r"#ff0000 is value 1 in a.png and value 0 in e.png: use colours"):
        folder.prepare()
    prepared = folder.prepare(classes="background=#000000,person=#ff0000")
    assert prepared.summary["class balance"] == "background 50.0%, person 50.0%"


@pytest.mark.parametrize("exif", ["apply", "stored"])
def test_photos_that_exif_turns_are_told_and_may_keep_the_stored_frame(folder: Folder, exif: str) -> None:
    turned = Image.Exif()
    turned[0x0112] = 3
    for index, name in enumerate("bc"):
        save(folder.images / f"{name}.png", scene(30, 40, index), exif=turned)
    prepared = folder.prepare(exif=exif)
    (line,) = [line for line in prepared.warnings if "EXIF" in line]
    assert "2 photos (the first: b.png)" in line
    assert ("--exif stored" in line) == (exif == "apply")
    stored = Store(prepared.store).arrays(labels=False).pixels[1200:2400].reshape(30, 40, 3)
    expected = scene(30, 40, 0)
    np.testing.assert_array_equal(stored, expected if exif == "stored" else expected[::-1, ::-1])


def test_photos_smaller_than_the_crop_are_told(folder: Folder) -> None:
    save(folder.images / "d.png", scene(90, 90))
    (line,) = [line for line in folder.prepare(crop=64).warnings if "smaller" in line]
    assert line.startswith("smaller than the crop of 64 pixels: 4 of 5 photos (the first: a.png)")


def test_replacing_a_store_of_other_content_is_told(folder: Folder) -> None:
    assert folder.prepare().warnings == ()
    assert folder.prepare().warnings == ()
    (line,) = folder.prepare(scale=2).warnings
    assert line.startswith("replaced mine.h5, which had other content")


def test_a_rule_chooses_the_training_photos_and_says_that_labels_did(folder: Folder) -> None:
    prepared = folder.prepare(train_if="person >= 0.3")
    store = Store(prepared.store)
    view = store.view("mine")
    assert store.ids() == list("ace")
    assert view.train.tolist() == [1, 2]
    assert view.evaluation.tolist() == [0, 1, 2]
    assert view.label_use == "selection"
    assert "trained on: photos with person >= 0.3" in view.note
    assert prepared.summary["photos"] == "3, 2 of them for training"
    with pytest.raises(UserError, match="no labelled photo satisfies --train-if"):
        folder.prepare(train_if="person >= 0.99")
    with pytest.raises(UsageError, match="--train-if needs labels"):
        folder.prepare(train_if="person >= 0.3", labels=None)


def test_sixteen_bits_per_channel_are_told(folder: Folder) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (30, 40, 3), dtype=np.uint16)
    assert cv2.imwrite(str(folder.images / "d.png"), deep)
    assert "1 photo of 16 bits per channel" in folder.prepare().summary["16 bits"]
    assert cv2.imwrite(str(folder.images / "d.png"), deep >> 4)
    with pytest.raises(UserError, match=r"d\.png: .*save it with 8 bits"):
        folder.prepare()


def test_a_void_value_that_stands_for_a_class_in_some_label_maps_is_told(folder: Folder) -> None:
    draw(folder, 255, "ac")
    draw(folder, 1, "e")
    (line,) = [line for line in folder.prepare(void="255").warnings if "value 255" in line]
    assert line.startswith("value 255 is void in 2 of 3 label maps (the first: a.png), which show one class")
    labels = np.zeros((30, 40), dtype=np.uint8)
    labels[:10], labels[20:] = 1, 255
    save(folder.labels / "e.png", labels)
    assert not [line for line in folder.prepare().warnings if "value 255" in line]


def test_the_values_of_a_scheme_with_many_more_classes_are_no_second_coding(folder: Folder) -> None:
    for index, name in enumerate("bd"):
        labels = np.zeros((30, 40), dtype=np.uint8)
        labels[:, 20:] = 60 + index
        labels[:, 30:] = 80 + index
        save(folder.labels / f"{name}.png", labels)
    prepared = folder.prepare(void="60,61,80,81,255")
    assert not [line for line in prepared.warnings if "same values" in line]


def test_of_several_pages_the_first_is_read_and_that_is_told(folder: Folder) -> None:
    second = Image.fromarray(scene(30, 40, 9))
    save(folder.images / "f.tif", scene(30, 40, 8), save_all=True, append_images=[second])
    save(folder.images / "g.gif", scene(30, 40, 8), save_all=True, append_images=[second])
    summary = folder.prepare().summary
    assert summary["photos"] == "7, all for training"
    assert summary["several images"].startswith("2 files of several pages or frames, of which the first is")


@pytest.mark.parametrize("suffix", ["gif", "jpg", "webp"])
def test_label_maps_of_formats_that_change_values_are_refused(folder: Folder, suffix: str) -> None:
    (folder.labels / "c.png").unlink()
    save(folder.labels / f"c.{suffix}", np.zeros((30, 40), dtype=np.uint8))
    with pytest.raises(UserError, match=rf"c\.{suffix}: label maps must be PNGs, which keep every value"):
        folder.prepare()


@pytest.mark.parametrize(
    "name", ["new\nline", "quo\"te's", "100%d", "-rf", "a b\tc", "\u0645\u0631\u062d\u0628\u0627"]
)
def test_photos_of_any_name_are_prepared_and_named_in_one_line(folder: Folder, name: str) -> None:
    for place in (folder.images, folder.labels):
        (place / "c.png").rename(place / f"{name}.png")
    assert Store(folder.prepare().store).ids() == sorted(["a", "b", "d", "e", name])
    (folder.images / f"{name}.png").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        folder.prepare()
    assert "an empty file" in str(caught.value)
    assert str(caught.value).isprintable()


def test_label_maps_are_turned_with_their_photo(folder: Folder) -> None:
    turned = Image.Exif()
    turned[0x0112] = 3
    labels = np.asarray(Image.open(folder.labels / "c.png"))
    save(folder.images / "c.png", scene(30, 40, 2), exif=turned)
    save(folder.labels / "c.png", labels, exif=turned)
    np.testing.assert_array_equal(label_maps(folder.prepare())[1], labels[::-1, ::-1])
    np.testing.assert_array_equal(label_maps(folder.prepare(exif="stored"))[1], labels)


@pytest.mark.parametrize("classes", ["background\r\nperson\r\n", "\ufeffbackground, person"])
def test_class_names_may_come_from_a_file_of_lines(folder: Folder, classes: str) -> None:
    assert Store(folder.prepare(classes=classes).store).view("mine").classes == ("background", "person")
