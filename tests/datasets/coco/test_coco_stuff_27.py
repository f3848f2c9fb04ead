from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.centre_crop import centre_crop
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import UNLABELLED as STORED_UNLABELLED
from infoseg_bench.data.view import VOID
from infoseg_bench.datasets.coco import stuff_27 as module
from infoseg_bench.datasets.coco.published_lists import PublishedList
from infoseg_bench.datasets.coco.stuff_27 import CocoStuff27, CocoStuff27Options
from infoseg_bench.datasets.coco.stuff_list import CLASS_MAPS
from infoseg_bench.errors import UserError
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.utils.progress import no_progress
from tests.datasets.files import leftovers
from tests.datasets.official import GROUND, PERSON, PLANT, SKY, UNLABELLED, WALL, StuffFolder

SMALL = {"size": 16, "crop": 16}

FINE_TO_COARSE = "5b6c6ce82fb97a8c2d29cc61a451953c867c5aa043372a5286bbf668351e7129"
"""SHA-256 of the classes of codes 0 to 181, a byte each: STEGO src/data.py:267-283, PiCIE's pickle."""


@pytest.fixture
def coco(tmp_path: Path) -> StuffFolder:
    """Photos on both sides of the rule, in both splits."""
    folder = StuffFolder(tmp_path / "coco")
    folder.height, folder.width = 360, 480
    folder.add(7, SKY, PLANT, WALL, PERSON)  # three quarters are stuff
    folder.add(3, SKY, WALL, PERSON, UNLABELLED)  # a half
    folder.add(5, SKY, PERSON, GROUND, PLANT, split="val2017")
    folder.add(6, PERSON, PERSON, GROUND, PLANT, split="val2017")
    folder.add(8, SKY, PLANT, UNLABELLED, GROUND, split="val2017", height=359)  # too small
    folder.add(4, UNLABELLED, PLANT, SKY, WALL, split="val2017", height=640)
    return folder


def prepare(source: Path, **options: Any) -> Prepared:
    parsed = CocoStuff27Options.parse({"source": str(source), **SMALL, **options}, "prepare coco-stuff-27")
    return CocoStuff27().prepare(parsed, source.parent / "data", no_progress)


def ids(store: Store, indices: np.ndarray) -> list[int]:
    names = store.ids()
    return [int(names[index]) for index in indices]


def published(split: str, photos: list[int], name: str = "Coco164kFull_Stuff_Coarse_7") -> PublishedList:
    hashed = ids_sha256(f"{photo:012d}" for photo in photos)
    return PublishedList(name=name, counts={split: len(photos)}, sha256={split: hashed})


def test_the_class_map_is_that_of_both_repositories() -> None:
    classes = read_class_map("coco-stuff-27", CLASS_MAPS)
    assert hashlib.sha256(classes.stored[:182].tobytes()).hexdigest() == FINE_TO_COARSE
    assert classes.stored[UNLABELLED] == STORED_UNLABELLED
    assert classes.classes[9] == "person"
    assert classes.classes[23] == "sky"
    assert len(classes.classes) == 27


def test_val2017_is_scored_and_train2017_trained_on_by_the_rule(coco: StuffFolder) -> None:
    store = Store(prepare(coco.root).store)
    view = store.view("coco-stuff-27")
    assert (ids(store, view.evaluation), ids(store, view.train)) == ([4, 5], [7])
    assert (view.crop, len(view.classes)) == (16, 27)
    assert view.note == "a subset of 6 COCO photos"
    assert all(store.arrays(labels=False).sizes.min(axis=1) == 16)


def test_things_and_stuff_are_scored_and_unlabelled_pixels_are_not(coco: StuffFolder) -> None:
    store = Store(prepare(coco.root).store)
    view, arrays = store.view("coco-stuff-27"), store.arrays(labels=True)
    assert arrays.labels is not None
    height, width = arrays.sizes[0]
    stored = centre_crop(arrays.labels[: height * width].reshape(height, width), 16)
    assert list(dict.fromkeys(stored[0].tolist())) == [STORED_UNLABELLED, PLANT, SKY, WALL]
    for table in view.tables.values():
        assert [int(table[code]) for code in (PERSON, PLANT, SKY, WALL)] == [9, 22, 23, 18]
        assert table[STORED_UNLABELLED] == table[VOID] == VOID


def test_photos_are_scaled_as_either_repository_does(coco: StuffFolder) -> None:
    photo = Image.open(coco.root / "val2017" / f"{5:012d}.jpg")
    for name, resampling in (("bilinear", Image.Resampling.BILINEAR), ("nearest", Image.Resampling.NEAREST)):
        store = Store(prepare(coco.root, filter=name, train="none").store)
        arrays = store.arrays(labels=False)
        start = int(arrays.sizes[0].prod())
        expected = np.asarray(photo.resize((21, 16), resampling))
        found = arrays.pixels[start : start + 16 * 21].reshape(16, -1, 3)
        left = (21 - 16) // 2
        np.testing.assert_array_equal(found[:, left : left + 16], expected[:, 2:18])
    assert store.view("coco-stuff-27").note.endswith("photos scaled by the filter nearest")


def test_a_store_for_scoring_alone_needs_no_training_photos(coco: StuffFolder) -> None:
    store = Store(prepare(coco.root, train="none").store)
    view = store.view("coco-stuff-27")
    assert (len(view.train), len(view.evaluation), store.photos) == (0, 2, 2)
    assert "no photos to train on" in view.note
    names = [source.name for source in CocoStuff27.needed(CocoStuff27Options(train="none"))]
    assert names == ["val2017.zip", "stuffthingmaps_trainval2017.zip"]
    assert CocoStuff27.needed(CocoStuff27Options()) == CocoStuff27.sources


def test_complete_data_are_held_against_the_published_list(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SIZES", {"train2017": 2, "val2017": 4})
    monkeypatch.setattr(module, "SCORED", published("val2017", [5, 6]))
    monkeypatch.setattr(module, "TRAINED", {"picie": published("train2017", [7])})
    lists = coco.root.parent / "data" / "downloads"
    lists.mkdir(parents=True)
    for split, photos in (("val2017", "5\n6\n"), ("train2017", "7\n")):
        (lists / f"Coco164kFull_Stuff_Coarse_7.{split}.txt").write_text(photos)
    with pytest.raises(UserError, match=r"no pixel of .*are these the official files\?"):
        prepare(coco.root)
    every_class = read_class_map("coco-stuff-27", CLASS_MAPS).stored[:182]
    for photo in (5, 6):
        first = [int((every_class == cls).argmax()) for cls in range(27)]
        coco.add(photo, *first, split="val2017", width=378, height=378)
    prepared = prepare(coco.root, size=64, crop=64)
    store = Store(prepared.store)
    assert ids(store, store.view("coco-stuff-27").evaluation) == [5, 6]
    assert "2 scored photos" in prepared.summary["complete"]
    differs = "1 in the derived one only (000000000004); 2 in the published one only"
    assert differs in prepared.summary["scored photos"]


def test_stegos_list_comes_from_a_file_that_is_verified(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stego = published("train2017", [3, 7], name="Coco164kFull_Stuff_Coarse")
    monkeypatch.setattr(module, "TRAINED", {"stego": stego})
    place = coco.root.parent / "data" / "downloads" / "Coco164kFull_Stuff_Coarse.train2017.txt"
    place.parent.mkdir(parents=True)
    place.write_text("000000000003\n000000000007\n")
    store = Store(prepare(coco.root, train="stego").store)
    view = store.view("coco-stuff-27")
    assert ids(store, view.train) == [3, 7]
    assert view.note == "a subset of 6 COCO photos; trained on STEGO's list"


def test_without_scored_photos_nothing_is_built(tmp_path: Path) -> None:
    folder = StuffFolder(tmp_path / "coco")
    folder.add(7, SKY, PLANT, WALL, PERSON, height=360, width=480)
    with pytest.raises(UserError, match=r"none of 1 photos with label maps is scored: get val2017\.zip"):
        prepare(folder.root)
    assert leftovers(tmp_path / "data") == []
