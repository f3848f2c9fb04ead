from __future__ import annotations

import csv
import errno
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as official

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import VOID
from infoseg_bench.data.writer import StoreWriter
from infoseg_bench.datasets.coco import person_pixels as selection
from infoseg_bench.datasets.coco import persons_choice as choice
from infoseg_bench.datasets.coco.annotations import CocoPhoto
from infoseg_bench.datasets.coco.person_pixels import PersonPixels
from infoseg_bench.datasets.coco.persons_recipe import CocoPersons, CocoPersonsOptions
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.utils.progress import no_progress
from tests.datasets.files import CocoFolder, box, interrupting, leftovers, runs, save, scene
from tests.datasets.official import zip_folders
from tests.shared import SHARED, needs_shared

MANIFEST = "coco-persons.manifest.csv"


@pytest.fixture
def coco(tmp_path: Path) -> CocoFolder:
    """Seven photos; with scale 0.5 and crop 64, the crop is rows 56 to 184, columns 86 to 214."""
    folder = CocoFolder(tmp_path / "coco")
    folder.annotate(folder.photo(5), box(86, 56, 150, 184))  # half of the crop
    folder.annotate(folder.photo(3), box(86, 56, 118, 184))  # a quarter
    folder.annotate(folder.photo(9), box(0, 0, 300, 240))  # all of it
    folder.annotate(folder.photo(7), box(86, 56, 94, 184))  # a sixteenth
    folder.photo(1)  # nobody
    folder.annotate(folder.photo(2, "val2017"), box(0, 0, 300, 240), category=18, split="val2017")  # a dog
    crowd = np.zeros((240, 300), dtype=int)
    crowd[56:184, 86:150] = 1
    rle = {"size": [240, 300], "counts": runs(crowd)}
    folder.annotate(folder.photo(4, "val2017"), rle, crowd=1, split="val2017")
    folder.annotate(4, box(150, 56, 166, 184), split="val2017")  # five eighths with the crowd
    folder.write()
    return folder


def prepare(coco: CocoFolder, progress: Any = no_progress, **options: Any) -> Prepared:
    values = {"source": str(coco.root), "scale": 0.5, "crop": 64, **options}
    parsed = CocoPersonsOptions.parse(values, "prepare coco-persons")
    prepared: Prepared = CocoPersons().prepare(parsed, data(coco), progress)
    return prepared


def data(coco: CocoFolder) -> Path:
    return coco.root.parent / "data"


def manifest_rows(coco: CocoFolder) -> list[dict[str, str]]:
    with (data(coco) / MANIFEST).open(newline="") as handle:
        return list(csv.DictReader(handle))


def ids(prepared: Prepared) -> list[int]:
    return [int(name) for name in Store(prepared.store).ids()]


def edit(coco: CocoFolder, change: Any, split: str = "train2017") -> None:
    path = coco.root / "annotations" / f"instances_{split}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_on_a_subset_selects_by_share_in_the_order_of_the_ids(coco: CocoFolder) -> None:
    prepared = prepare(coco)
    view = Store(prepared.store).view("coco-persons")
    assert ids(prepared) == [3, 4, 5]
    assert view.classes == ("background", "person")
    assert view.train.tolist() == view.evaluation.tolist() == [0, 1, 2]
    assert view.note.startswith("reconstructed: person shares of 20% to 80%")
    assert "a subset of 7 COCO photos" in view.note
    assert "on a subset" in prepared.summary["selection"]
    assert prepared.summary["class balance"] == "background 54.2%, person 45.8%"


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({"min_share": 0.3}, [4, 5]),
        ({"max_share": 0.5}, [3, 5]),
        ({"max_share": 1.0}, [3, 4, 5, 9]),
        ({"min_share": 0.0, "max_share": 0.1}, [7]),
    ],
)
def test_the_least_and_largest_share_are_allowed(
    coco: CocoFolder, options: dict[str, float], selected: list[int]
) -> None:
    assert ids(prepare(coco, **options)) == selected


def test_complete_coco_gives_the_largest_shares(coco: CocoFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "COMPLETE", 7)
    prepared = prepare(coco, photos=2)
    assert ids(prepared) == [4, 5]
    assert Store(prepared.store).view("coco-persons").note.startswith("reconstructed: the 2 largest")
    assert prepared.summary["complete"].startswith("2 photos as expected; every class occurs")
    assert ids(prepare(coco, photos=4)) == [3, 4, 5, 7]


def test_equal_shares_are_taken_by_id(coco: CocoFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "COMPLETE", 7)
    edit(coco, lambda content: [e.update(segmentation=box(86, 56, 118, 184)) for e in content["annotations"]])
    assert ids(prepare(coco, photos=3)) == [3, 4, 5]


def test_labels_are_the_masks_of_polygons_and_crowds(coco: CocoFolder) -> None:
    store = Store(prepare(coco).store)
    arrays = store.arrays(labels=True)
    assert arrays.labels is not None
    expected = np.zeros((3, 120, 150), dtype=np.uint8)
    expected[0, 28:92, 43:59] = expected[1, 28:92, 43:83] = expected[2, 28:92, 43:75] = 1
    np.testing.assert_array_equal(arrays.labels.reshape(3, 120, 150), expected)


def test_crowds_may_be_void_instead(coco: CocoFolder) -> None:
    prepared = prepare(coco, crowds=False, min_share=0.1)
    arrays = Store(prepared.store).arrays(labels=True)
    assert arrays.labels is not None
    labels = arrays.labels.reshape(-1, 120, 150)[ids(prepared).index(4)]
    assert [labels[30, column] for column in (30, 50, 80)] == [0, VOID, 1]
    assert "crowds are void" in Store(prepared.store).view("coco-persons").note


def test_the_manifest_says_which_pixels_and_under_which_licence(coco: CocoFolder) -> None:
    prepare(coco)
    assert manifest_rows(coco)[1] == {
        "id": "4",
        "split": "val2017",
        "scale": "0.5",
        "crop_top": "28",
        "crop_left": "43",
        "crop_side": "64",
        "crowds": "person",
        "share": "0.625000",
        "licence": "Attribution License",
        "licence_url": "http://creativecommons.org/licenses/by/2.0/",
    }


def test_preparing_again_gives_the_same_bytes(coco: CocoFolder) -> None:
    first, manifest = prepare(coco), (data(coco) / MANIFEST).read_bytes()
    assert prepare(coco).summary["fingerprint"] == first.summary["fingerprint"]
    assert (data(coco) / MANIFEST).read_bytes() == manifest


def test_the_manifest_alone_rebuilds_the_store(coco: CocoFolder, tmp_path: Path) -> None:
    first = prepare(coco, min_share=0.3)
    kept = tmp_path / "kept.csv"
    kept.write_bytes((data(coco) / MANIFEST).read_bytes())
    prepare(coco)
    again = prepare(coco, manifest=str(kept))
    assert again.summary["fingerprint"] == first.summary["fingerprint"]
    assert (data(coco) / MANIFEST).read_bytes() == kept.read_bytes()


def test_archives_give_what_folders_give(coco: CocoFolder, tmp_path: Path) -> None:
    unpacked, manifest = prepare(coco), (data(coco) / MANIFEST).read_bytes()
    coco.root = zip_folders(coco.root, tmp_path / "zips" / "coco")
    assert prepare(coco).summary["fingerprint"] == unpacked.summary["fingerprint"]
    assert (data(coco) / MANIFEST).read_bytes() == manifest


def test_annotations_that_are_damaged_in_their_archive_are_named(coco: CocoFolder, tmp_path: Path) -> None:
    coco.root = zip_folders(coco.root, tmp_path / "zips" / "coco")
    archive = coco.root / "annotations_trainval2017.zip"
    content = bytearray(archive.read_bytes())
    content[200:210] = bytes(10)
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"annotations_trainval2017\.zip/annotations/.*damaged"):
        prepare(coco)


def test_missing_photos_of_a_subset_are_skipped_and_counted(coco: CocoFolder) -> None:
    (coco.root / "train2017" / "000000000005.jpg").unlink()
    prepared = prepare(coco)
    assert ids(prepared) == [3, 4]
    assert prepared.summary["missing on disk"] == "1, skipped"


def test_one_split_is_enough(coco: CocoFolder) -> None:
    (coco.root / "annotations" / "instances_train2017.json").unlink()
    assert ids(prepare(coco)) == [4]


def _no_annotations(coco: CocoFolder) -> None:
    for path in (coco.root / "annotations").iterdir():
        path.unlink()


def _no_photos(coco: CocoFolder) -> None:
    for split in ("train2017", "val2017"):
        for path in (coco.root / split).iterdir():
            path.unlink()


def _truncated_annotations(coco: CocoFolder) -> None:
    path = coco.root / "annotations" / "instances_train2017.json"
    path.write_text(path.read_text()[:-300])


def _no_object(coco: CocoFolder) -> None:
    (coco.root / "annotations" / "instances_train2017.json").write_text("[1]")


def _no_category(coco: CocoFolder) -> None:
    edit(coco, lambda content: content["categories"].pop(0))


def _escaping_name(coco: CocoFolder) -> None:
    edit(coco, lambda content: content["images"][0].update(file_name="../../secret.jpg"))


def _unknown_photo(coco: CocoFolder) -> None:
    edit(coco, lambda content: content["annotations"][0].update(image_id=77))


def _short_runs(coco: CocoFolder) -> None:
    rle = {"size": [240, 300], "counts": [5, 6]}
    edit(coco, lambda content: content["annotations"][0].update(segmentation=rle, id=66))


def _broken_photo(coco: CocoFolder) -> None:
    (coco.root / "train2017" / "000000000005.jpg").write_bytes(b"\xff\xd8 no photo")


def _resized_photo(coco: CocoFolder) -> None:
    save(coco.root / "train2017" / "000000000005.jpg", scene(24, 30))


def _listed_twice(coco: CocoFolder) -> None:
    edit(coco, lambda content: content["images"].append(content["images"][0]))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_no_annotations, ["coco", "no annotations/instances_{train2017,val2017}.json", "--source"]),
        (_no_photos, ["coco", "none of the 7 annotated photos", "train2017"]),
        (_truncated_annotations, ["instances_train2017.json", "damaged", "fetch the file again"]),
        (_no_object, ["instances_train2017.json", "no category 'person'"]),
        (_no_category, ["instances_train2017.json", "no category 'person'"]),
        (_escaping_name, ["instances_train2017.json", "../../secret.jpg", "fetch"]),
        (_unknown_photo, ["instances_train2017.json", "annotation 5000", "no photo 77"]),
        (_short_runs, ["annotation 66", "add up to 11", "72000 pixels"]),
        (_broken_photo, ["000000000005.jpg", "cannot be decoded", "replace or remove"]),
        (_resized_photo, ["000000000005.jpg", "30x24", "300x240"]),
        (_listed_twice, ["instances_train2017.json", "photo 5: listed twice"]),
    ],
)
def test_bad_files_are_named_with_the_remedy_and_leave_nothing(
    coco: CocoFolder, damage: Any, words: list[str]
) -> None:
    damage(coco)
    with pytest.raises(UserError) as caught:
        prepare(coco)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)
    assert leftovers(data(coco)) == []


def test_shares_that_no_photo_has_are_told(coco: CocoFolder) -> None:
    with pytest.raises(UserError, match=r"none of 7 photos has person shares of 70% to 80%.*--min-share"):
        prepare(coco, min_share=0.7)
    with pytest.raises(UsageError, match=r"--min-share 0.9 is above --max-share 0.8"):
        prepare(coco, min_share=0.9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(",0.250000,", ",0.260000,"), ["photo 3 differs", "official files"]),
        (lambda text: text.replace("3,train2017", "88,train2017"), ["photo 88", "complete COCO"]),
        (lambda text: text.replace("id,split", "id,part"), ["line 2", "id,split,scale"]),
        (lambda text: text.replace(",28,", ",x,", 1), ["line 2", "'x'"]),
        (lambda text: text.replace(",64,", ",65,", 1), ["rows of different scale"]),
        (lambda text: text.splitlines()[0], ["lists no photos"]),
        (lambda text: text + text.splitlines()[1] + "\n", ["listed twice"]),
    ],
)
def test_a_manifest_that_does_not_fit_is_told(coco: CocoFolder, change: Any, words: list[str]) -> None:
    prepare(coco)
    manifest = coco.root / "manifest.csv"
    manifest.write_text(change((data(coco) / MANIFEST).read_text()))
    with pytest.raises(UserError) as caught:
        prepare(coco, manifest=str(manifest))
    assert all(word in str(caught.value) for word in ["manifest.csv", *words]), caught.value


def test_a_manifest_of_other_options_says_which_to_add(coco: CocoFolder) -> None:
    prepare(coco)
    with pytest.raises(UsageError, match=r"add --scale 0\.5 --crop 64 --crowds"):
        prepare(coco, manifest=str(data(coco) / MANIFEST), crop=32)
    with pytest.raises(UserError, match=r"none\.csv: the manifest cannot be read"):
        prepare(coco, manifest=str(coco.root / "none.csv"))


def test_interruption_leaves_nothing_and_keeps_what_was_finished(coco: CocoFolder) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(coco, interrupting)
    assert leftovers(data(coco)) == []
    fingerprint, manifest = prepare(coco).summary["fingerprint"], (data(coco) / MANIFEST).read_bytes()
    with pytest.raises(KeyboardInterrupt):
        prepare(coco, interrupting, max_share=1.0)
    assert leftovers(data(coco)) == ["coco-persons.h5", MANIFEST]
    assert Store(data(coco) / "coco-persons.h5").fingerprint == fingerprint
    assert (data(coco) / MANIFEST).read_bytes() == manifest


def test_counting_persons_goes_on_where_it_was_killed(
    coco: CocoFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepare(coco)
    whole.store.unlink()
    monkeypatch.setattr(selection, "PHOTOS_COUNTED", 1)

    with pytest.raises(KeyboardInterrupt):
        prepare(coco, partial(interrupting, during="person shares"))
    counted: list[int] = []
    count = PersonPixels.count

    def noted(self: PersonPixels, photo: CocoPhoto) -> int:
        counted.append(photo.id)
        return count(self, photo)

    monkeypatch.setattr(PersonPixels, "count", noted)
    again = prepare(coco)
    assert again.summary["fingerprint"] == whole.summary["fingerprint"]
    assert not {3, 4} & set(counted)


@pytest.mark.parametrize("place", ["_append", "_seal"])
def test_a_full_disk_is_told_and_leaves_nothing(
    coco: CocoFolder, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StoreWriter, place, full)
    with pytest.raises(UserError, match=r"coco-persons\.h5: the disk is full"):
        prepare(coco)
    assert leftovers(data(coco)) == []


def test_the_manifest_is_there_before_its_store_and_put_back_if_that_fails(
    coco: CocoFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(coco)
    manifest = data(coco) / MANIFEST
    earlier, during = manifest.read_bytes(), []

    def full(*_: object) -> None:
        during.append(manifest.read_bytes())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StoreWriter, "_seal", full)
    with pytest.raises(UserError, match="the disk is full"):
        prepare(coco, max_share=1.0)
    assert len(during[0].splitlines()) == 1 + 4
    assert manifest.read_bytes() == earlier


@needs_shared
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' decode
def test_prepares_real_photos_as_pycocotools_masks_them(tmp_path: Path) -> None:
    source = SHARED / "data" / "coco"
    options = CocoPersonsOptions.parse({"source": str(source)}, "x")
    prepared = CocoPersons().prepare(options, tmp_path, no_progress)
    store = Store(prepared.store)
    store.verify()
    assert store.photos == store.labelled == len(store.view("coco-persons").evaluation) == 180
    arrays = store.arrays(labels=True)
    assert arrays.labels is not None
    height, width = arrays.sizes[0]
    expected = _official_mask(source, ids(prepared)[0])
    rows = np.minimum(np.floor(np.arange(height) / 0.33).astype(int), expected.shape[0] - 1)
    columns = np.minimum(np.floor(np.arange(width) / 0.33).astype(int), expected.shape[1] - 1)
    found = arrays.labels[: height * width].reshape(height, width)
    np.testing.assert_array_equal(found, expected[rows[:, None], columns])


def _official_mask(source: Path, photo: int) -> np.ndarray:
    for split in ("train2017", "val2017"):
        content = json.loads((source / "annotations" / f"instances_{split}.json").read_text())
        for image in (image for image in content["images"] if image["id"] == photo):
            size = image["height"], image["width"]
            entries = [entry for entry in content["annotations"] if entry["image_id"] == photo]
            encoded = [official.frPyObjects(entry["segmentation"], *size) for entry in entries]
            flat = [rle for one in encoded for rle in (one if isinstance(one, list) else [one])]
            return np.asarray(official.decode(official.merge(flat)))
    raise AssertionError(f"no photo {photo}")


def test_all_faults_are_told_at_once_and_may_be_left_out(coco: CocoFolder) -> None:
    _unknown_photo(coco)
    edit(coco, lambda content: content["annotations"][1].pop("segmentation"))
    with pytest.raises(UserError, match="2 files are wrong: ") as caught:
        prepare(coco)
    for word in (
        "there is no photo 77: annotations/instances_train2017.json (annotation 5000)",
        "no 'segmentation'",
        "(annotation 3001)",
        "--skip-broken",
    ):
        assert word in str(caught.value)
    (coco.root / "val2017" / "000000000004.jpg").write_bytes(b"")
    everything = {"skip_broken": True, "min_share": 0, "max_share": 1.0}
    prepared = prepare(coco, **everything)
    assert ids(prepared) == [7, 9]
    assert prepared.summary["left out as broken"].startswith("3: instances_train2017.json")
    assert [row["id"] for row in manifest_rows(coco)] == ["7", "9"]
