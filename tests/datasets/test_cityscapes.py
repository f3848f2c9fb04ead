from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.datasets import cityscapes as module
from infoseg_bench.datasets.cityscapes import EXTRA, LABELS, PHOTOS, Cityscapes, CityscapesOptions
from infoseg_bench.errors import UserError
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.utils.progress import no_progress
from tests.datasets.files import leftovers, scene
from tests.datasets.official import zip_files

SMALL = {"size": 16, "crop": 16}
HEIGHT, WIDTH = 32, 64


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def codes(*values: int) -> np.ndarray:
    """A label map with these ids as columns of equal width."""
    return np.tile(np.repeat(np.array(values, dtype=np.uint8), WIDTH // len(values)), (HEIGHT, 1))


@pytest.fixture
def official() -> dict[str, bytes]:
    """Photos of every split with label maps, and what else lies in the archives."""
    files = {}
    for number, (split, city) in enumerate(
        (("train", "aachen"), ("train", "bochum"), ("val", "frankfurt"), ("val", "munster"), ("test", "bonn"))
    ):
        name = f"{city}_000000_00000{number}"
        files[f"leftImg8bit/{split}/{city}/{name}_leftImg8bit.png"] = png(scene(HEIGHT, WIDTH, number))
        ids = codes(0, 7, 11, 33) if split != "test" else codes(0)
        files[f"gtFine/{split}/{city}/{name}_gtFine_labelIds.png"] = png(ids)
        files[f"gtFine/{split}/{city}/{name}_gtFine_color.png"] = png(scene(HEIGHT, WIDTH))
    files["leftImg8bit/train_extra/augsburg/augsburg_000000_000009_leftImg8bit.png"] = png(
        scene(HEIGHT, WIDTH)
    )
    return files


@pytest.fixture
def folder(official: dict[str, bytes], tmp_path: Path) -> Path:
    for name, content in official.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes(content)
    return tmp_path / "source"


def prepare(source: Path, **options: Any) -> Prepared:
    parsed = CityscapesOptions.parse({"source": str(source), **SMALL, **options}, "prepare cityscapes")
    return Cityscapes().prepare(parsed, source.parent / "data", no_progress)


def cities(store: Store, indices: np.ndarray) -> list[str]:
    names = store.ids()
    return sorted(names[index].partition("_")[0] for index in indices)


def test_the_classes_are_the_27_ids_outside_of_void() -> None:
    classes = read_class_map("cityscapes-27", Path(module.__file__).parent / "class_maps")
    assert classes.stored[:34].tolist() == [UNLABELLED, *[VOID] * 6, *range(27)]
    assert len(set(classes.palette)) == 27
    assert [classes.classes[index] for index in (0, 10, 19, 26)] == ["road", "pole", "car", "bicycle"]


@pytest.mark.parametrize(
    ("options", "trained", "scored"),
    [
        ({}, ["aachen", "bochum"], ["frankfurt", "munster"]),
        ({"train": "none"}, [], ["frankfurt", "munster"]),
        (
            {"train": "picie", "scored": "val+train"},
            ["augsburg", "bonn"],
            ["aachen", "bochum", "frankfurt", "munster"],
        ),
    ],
)
def test_either_protocol_trains_and_scores_on_its_splits(
    folder: Path, options: dict[str, str], trained: list[str], scored: list[str]
) -> None:
    store = Store(prepare(folder, **options).store)
    view = store.view("cityscapes")
    assert (cities(store, view.train), cities(store, view.evaluation)) == (trained, scored)
    assert "a subset of the official files" in view.note
    assert ("scored on val and train" in view.note) == ("scored" in options)


def test_photos_are_scaled_and_void_ids_are_not_scored(folder: Path) -> None:
    store = Store(prepare(folder, train="none").store)
    arrays, view = store.arrays(labels=True), store.view("cityscapes")
    assert arrays.labels is not None
    assert arrays.sizes.tolist() == [[16, 32], [16, 32]]
    stored = arrays.labels[: 16 * 32].reshape(16, 32)
    assert stored[0, ::8].tolist() == [UNLABELLED, 0, 4, 26]
    assert [int(view.tables["published"][value]) for value in (UNLABELLED, VOID, 0, 26)] == [
        VOID,
        VOID,
        0,
        26,
    ]
    photo = Image.fromarray(scene(HEIGHT, WIDTH, 2)).resize((32, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(arrays.pixels[: 16 * 32].reshape(16, 32, 3), np.asarray(photo))


def test_archives_give_what_folders_give(folder: Path, official: dict[str, bytes], tmp_path: Path) -> None:
    for source in (PHOTOS, LABELS, EXTRA):
        extra = source is EXTRA
        inside = {
            name: content
            for name, content in official.items()
            if name.startswith(source.unpacked) and ("train_extra" in name) == extra
        }
        zip_files(tmp_path / "zips" / "source" / source.name, inside)
    packed = prepare(tmp_path / "zips" / "source", train="picie")
    assert packed.summary["fingerprint"] == prepare(folder, train="picie").summary["fingerprint"]


def test_complete_splits_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPLITS", {"train": 2, "val": 2, "test": 1, "train_extra": 1})
    with pytest.raises(UserError, match=r"cityscapes: no pixel of sidewalk, .*are these the official files"):
        prepare(folder)
    assert leftovers(folder.parent / "data") == []


def test_what_is_missing_or_strange_is_said(folder: Path, tmp_path: Path) -> None:
    label = folder / "gtFine" / "val" / "munster" / "munster_000000_000003_gtFine_labelIds.png"
    label.write_bytes(png(codes(7, 34)))
    with pytest.raises(UserError, match=r"munster.*no class for label value 34"):
        prepare(folder)
    label.unlink()
    with pytest.raises(UserError, match=r"no label map of 1 photo of val \(munster_000000_000003\): get"):
        prepare(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        UserError, match=r"no leftImg8bit_trainvaltest.zip and no leftImg8bit/SPLIT/CITY here"
    ):
        prepare(tmp_path / "empty")


def test_all_faults_are_told_at_once_and_may_be_left_out(folder: Path) -> None:
    for place in ("leftImg8bit/val/munster", "leftImg8bit/train/aachen"):
        next((folder / place).iterdir()).write_bytes(b"")
    label = folder / "gtFine" / "val" / "frankfurt" / "frankfurt_000000_000002_gtFine_labelIds.png"
    whole = label.read_bytes()
    label.write_bytes(png(codes(7, 34)))
    with pytest.raises(UserError, match=r"3 files are wrong: .*2 x an empty file: .*--skip-broken"):
        prepare(folder)
    label.write_bytes(whole)
    store = Store(prepare(folder, skip_broken=True).store)
    assert cities(store, store.view("cityscapes").evaluation) == ["frankfurt"]
    assert store.view("cityscapes").note.endswith("2 broken files left out")
