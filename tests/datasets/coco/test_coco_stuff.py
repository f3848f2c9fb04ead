from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import UNLABELLED as STORED_UNLABELLED
from infoseg_bench.data.view import VOID
from infoseg_bench.datasets.coco import stuff
from infoseg_bench.datasets.coco import stuff_list as listed
from infoseg_bench.datasets.coco.published_lists import PublishedList
from infoseg_bench.datasets.coco.stuff_options import CocoStuff3Options, CocoStuffOptions
from infoseg_bench.datasets.coco.stuff_recipe import CocoStuff, CocoStuff3
from infoseg_bench.errors import UserError
from infoseg_bench.preparation import building
from infoseg_bench.utils.progress import no_progress
from tests.datasets.files import interrupting, leftovers, scene
from tests.datasets.official import (
    GROUND,
    PERSON,
    PLANT,
    SKY,
    UNLABELLED,
    WALL,
    StuffFolder,
    jpeg,
    palette_png,
    zip_files,
    zip_folders,
)
from tests.shared import SHARED, needs_shared

SMALL = {"scale": 0.5, "crop": 16, "min_side": 40}


@pytest.fixture
def coco(tmp_path: Path) -> StuffFolder:
    """Photos on both sides of both rules."""
    folder = StuffFolder(tmp_path / "coco")
    folder.add(7, SKY, PLANT, WALL, PERSON)  # three quarters are stuff, a half are sky, plant or ground
    folder.add(3, SKY, WALL, PERSON, UNLABELLED)  # a half, a quarter
    folder.add(5, SKY, PLANT, GROUND, UNLABELLED, split="val2017")  # three quarters of both
    folder.add(9, SKY, PLANT, GROUND, height=39)  # too small
    return folder


def prepare(source: Path, recipe: Any = CocoStuff, progress: Any = no_progress, **options: Any) -> Prepared:
    values = {"source": str(source), **SMALL, **options}
    parsed = recipe.options_type.parse(values, "prepare")
    prepared: Prepared = recipe().prepare(parsed, source.parent / "data", progress)
    return prepared


def ids(prepared: Prepared) -> list[int]:
    return [int(name) for name in Store(prepared.store).ids()]


def published(**ids_of_splits: list[int]) -> PublishedList:
    """A published list of these ids, as protocol's hashes are made."""
    texts = {split: "".join(f"{name:012d}\n" for name in sorted(ids)) for split, ids in ids_of_splits.items()}
    return PublishedList(
        name="Miniature",
        counts={split: len(ids) for split, ids in ids_of_splits.items()},
        sha256={split: hashlib.sha256(text.encode()).hexdigest() for split, text in texts.items()},
    )


def test_a_subset_follows_the_rule_and_says_that_it_is_one(coco: StuffFolder) -> None:
    prepared = prepare(coco.root)
    view = Store(prepared.store).view("coco-stuff")
    assert ids(prepared) == [5, 7]
    assert view.note == "a subset of 4 COCO photos; photos by the rule"
    assert prepared.summary["list"] == "on a subset of COCO: by the rule"
    assert view.train.tolist() == view.evaluation.tolist() == [0, 1]


def test_the_three_classes_have_a_rule_of_their_own(coco: StuffFolder) -> None:
    assert ids(prepare(coco.root, CocoStuff3)) == [5, 7]
    assert ids(prepare(coco.root, CocoStuff3, min_share=0.6)) == [5]
    assert ids(prepare(coco.root, CocoStuff3, min_share=0.25)) == [3, 5, 7]
    assert ids(prepare(coco.root, CocoStuff3, min_side=39)) == [5, 7, 9]


def test_archives_give_what_folders_give(coco: StuffFolder, tmp_path: Path) -> None:
    archives = zip_folders(coco.root, tmp_path / "zips" / "coco")
    assert sorted(path.suffix for path in archives.iterdir()) == [".zip"] * 3
    unpacked, packed = prepare(coco.root), prepare(archives)
    assert packed.summary["fingerprint"] == unpacked.summary["fingerprint"]


def test_labels_keep_every_code_and_both_protocols_read_them(coco: StuffFolder) -> None:
    store = Store(prepare(coco.root, CocoStuff3).store)
    arrays, view = store.arrays(labels=True), store.view("coco-stuff-3")
    assert arrays.labels is not None
    first = arrays.labels[: 20 * 30].reshape(20, 30)
    assert [int(first[0, column]) for column in (0, 8, 16, 24)] == [SKY, PLANT, GROUND, STORED_UNLABELLED]
    corrected, as_published = view.tables["corrected"], view.tables["published"]
    assert view.classes == ("sky", "plant", "ground")
    assert [corrected[code] for code in (SKY, PLANT, GROUND, WALL, STORED_UNLABELLED)] == [
        0,
        1,
        2,
        VOID,
        VOID,
    ]
    assert [as_published[code] for code in (SKY, PLANT, GROUND, WALL, STORED_UNLABELLED)] == [
        0,
        1,
        2,
        VOID,
        0,
    ]


def test_things_and_unlabelled_pixels_of_the_fifteen_classes_are_void_in_both_protocols(
    coco: StuffFolder,
) -> None:
    view = Store(prepare(coco.root).store).view("coco-stuff")
    assert len(view.classes) == 15
    for table in view.tables.values():
        assert (table[:91] == VOID).all()
        assert sorted(set(table[91:182].tolist())) == list(range(15))
        assert (table[182:] == VOID).all()


def test_the_summary_counts_pixels_ids_and_files(coco: StuffFolder) -> None:
    summary = prepare(coco.root, CocoStuff3).summary
    digest = hashlib.sha256(b"000000000005\n").hexdigest()
    assert summary["ids of val2017"] == f"1, SHA-256 {digest}"
    assert summary["files"] == "4 photos with label maps"
    assert summary["photos"] == "2, all labelled"
    kept = Store(coco.root.parent / "data" / "coco-stuff-3.h5").attributes["summary"]
    assert digest in kept


def test_complete_coco_that_gives_the_published_list_is_taken_as_it_is(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "COMPLETE", 4)
    monkeypatch.setattr(CocoStuff3, "published", published(train2017=[7], val2017=[5]))
    prepared = prepare(coco.root, CocoStuff3)
    assert Store(prepared.store).view("coco-stuff-3").note == "photos by the rule"
    assert prepared.summary["complete"] == (
        "2 photos with the published ids as expected; every class occurs (pixels per class are not published)"
    )


def test_complete_coco_without_a_class_is_not_taken_for_the_official_files(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "COMPLETE", 4)
    monkeypatch.setattr(CocoStuff, "published", published(train2017=[7], val2017=[5]))
    with pytest.raises(UserError, match=r"coco-stuff: no pixel of ceiling, floor, .*official files"):
        prepare(coco.root)
    assert leftovers(coco.root.parent / "data") == []


def publish(folder: StuffFolder, listed: PublishedList, **ids_of_splits: list[int]) -> None:
    """Put a published list where its download would be."""
    downloads = folder.root.parent / "data" / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    for split, numbers in ids_of_splits.items():
        text = "".join(f"{number:012d}\n" for number in numbers)
        (downloads / f"{listed.name}.{split}.txt").write_text(text)


def test_where_the_rule_gives_another_list_the_published_one_counts(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"train2017": [3, 9], "val2017": [5]}
    monkeypatch.setattr(listed, "COMPLETE", 4)
    monkeypatch.setattr(CocoStuff3, "published", published(**wanted))
    publish(coco, CocoStuff3.published, **wanted)
    prepared = prepare(coco.root, CocoStuff3)
    assert ids(prepared) == [3, 5, 9]
    assert prepared.summary["list"] == (
        "the published list; the rule differs in 1 in the derived one only (000000000007); "
        "2 in the published one only (000000000003, 000000000009)"
    )
    again = prepare(coco.root, CocoStuff3, list="published")
    assert again.summary["fingerprint"] == prepared.summary["fingerprint"]
    assert ids(prepare(coco.root, CocoStuff3, list="derived")) == [5, 7]


def test_a_published_list_that_has_changed_since_it_was_fetched_is_fetched_again(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(address: str, partial: Path, **_: object) -> None:
        partial.write_text("9\n3\n")

    monkeypatch.setattr("infoseg_bench.datasets.coco.published_lists.transfer", again)
    monkeypatch.setattr(CocoStuff3, "published", published(train2017=[3, 9]))
    publish(coco, CocoStuff3.published, train2017=[3, 7])
    assert ids(prepare(coco.root, CocoStuff3, list="published")) == [3, 9]


def test_a_published_list_that_cannot_be_had_names_the_way_out(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object) -> None:
        raise UserError("no connection")

    monkeypatch.setattr(listed, "COMPLETE", 4)
    monkeypatch.setattr(PublishedList, "fetch", offline)
    with pytest.raises(UserError, match=r"selects 2 photos, not the 51804 .*no connection.*--list FILE"):
        prepare(coco.root)
    assert leftovers(coco.root.parent / "data") == []


def test_a_file_of_ids_overrides_the_rule(coco: StuffFolder, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("3\n000000000009\n77\n")
    prepared = prepare(coco.root, list=str(tmp_path / "mine.txt"))
    assert ids(prepared) == [3, 9]
    told = "listed in mine.txt (1 of 3 not found: 000000000077)"
    assert told in prepared.summary["list"]
    assert told in Store(prepared.store).view("coco-stuff").note
    assert str(tmp_path) not in Store(prepared.store).attributes["options"]


def test_a_list_of_photos_that_are_not_there_is_no_matter_of_the_rule(
    coco: StuffFolder, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("1\n")
    with pytest.raises(UserError, match=r"none of \d+ photos .*check --list$"):
        prepare(coco.root, list=str(tmp_path / "mine.txt"))


def test_copies_that_tools_leave_are_no_photos_of_coco(coco: StuffFolder, tmp_path: Path) -> None:
    before = ids(prepare(coco.root))
    for place, suffix in (("val2017", ".jpg"), ("stuffthingmaps_trainval2017/val2017", ".png")):
        for file in [*(coco.root / place).glob(f"*{suffix}")]:
            file.with_name(f"copy of {file.name}").write_bytes(file.read_bytes())
    assert ids(prepare(coco.root)) == before


def test_an_id_that_complete_coco_does_not_have_is_named(
    coco: StuffFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "COMPLETE", 4)
    (tmp_path / "mine.txt").write_text("3\n77\n")
    with pytest.raises(UserError, match="photo 000000000077 of the list is not in COCO"):
        prepare(coco.root, list=str(tmp_path / "mine.txt"))


@pytest.mark.parametrize(("text", "word"), [("a\n", "a"), ("", "empty"), ("3;4", "3;4")])
def test_a_list_that_is_none_is_told(coco: StuffFolder, tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "mine.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=rf"mine\.txt: not a list of image ids, one per line \({word}\)"):
        prepare(coco.root, list=str(tmp_path / "mine.txt"))


def test_photos_are_scaled_as_opencv_does_it_and_may_be_otherwise(coco: StuffFolder) -> None:
    name = coco.root / "val2017" / "000000000005.jpg"
    full = np.asarray(Image.open(name))
    opencv = cv2.resize(full, None, fx=0.5, fy=0.5).astype(int)

    def first(**options: Any) -> np.ndarray:
        pixels = Store(prepare(coco.root, **options).store).arrays(labels=False).pixels
        return pixels[: 20 * 30].reshape(20, 30, 3).astype(int)

    assert np.abs(first() - opencv).max() <= 1
    assert np.abs(first(channels="bgr") - opencv[..., ::-1]).max() <= 1
    antialiased = cv2.resize(full, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(first(filter="antialiased") - first()).max() > 0
    assert np.abs(first(filter="antialiased") - antialiased).mean() < 10
    note = Store(coco.root.parent / "data" / "coco-stuff.h5").view("coco-stuff").note
    assert note.endswith("antialiased")


def test_what_has_no_counterpart_is_left_out_and_named(coco: StuffFolder) -> None:
    (coco.root / "stuffthingmaps/train2017/000000000003.png").unlink()
    (coco.root / "train2017/000000000009.jpg").unlink()
    coco.write("train2017/000000000011.JPG", b"")
    coco.write("stuffthingmaps/train2017/Thumbs.db", b"")
    assert prepare(coco.root).summary["files"] == (
        "2 photos with label maps; "
        "1 file without label map, left out (the first: train2017/000000000003.jpg); "
        "1 file without photo, left out (the first: stuffthingmaps/train2017/000000000009.png); "
        "2 files of other types, left out (000000000011.JPG, Thumbs.db)"
    )


def test_greyscale_cmyk_and_turned_photos_are_read_in_their_stored_frame(coco: StuffFolder) -> None:
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    coco.write("train2017/000000000007.jpg", jpeg(scene(40, 60, 1), exif=turned))
    coco.write("val2017/000000000005.jpg", jpeg(scene(40, 60, 1), "CMYK"))
    coco.write("train2017/000000000003.jpg", jpeg(scene(40, 60, 1), "L"))
    prepared = prepare(coco.root, min_share=0.1)
    arrays = Store(prepared.store).arrays(labels=False)
    assert ids(prepared) == [3, 5, 7]
    assert arrays.sizes.tolist() == [[20, 30]] * 3
    assert arrays.pixels.shape == (3 * 600, 3)


def _other_size(coco: StuffFolder) -> None:
    coco.write("train2017/000000000007.jpg", jpeg(scene(60, 40, 1)))


def _strange_code(coco: StuffFolder) -> None:
    codes = np.full((40, 60), 200, np.uint8)
    codes[:, :50] = SKY
    coco.write("stuffthingmaps/train2017/000000000007.png", palette_png(codes))


def _no_photo(coco: StuffFolder) -> None:
    coco.write("train2017/000000000007.jpg", b"\xff\xd8 no photo")


def _no_label_map(coco: StuffFolder) -> None:
    coco.write("stuffthingmaps/train2017/000000000007.png", b"no map")


def _no_maps(coco: StuffFolder) -> None:
    (coco.root / "stuffthingmaps").rename(coco.root / "elsewhere")


def _other_split(coco: StuffFolder) -> None:
    (coco.root / "val2017").rename(coco.root / "elsewhere")
    (coco.root / "stuffthingmaps/train2017").rename(coco.root / "stuffthingmaps/elsewhere")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_other_size, ["000000000007.png", "60x40", "40x60", "000000000007.jpg", "fetch"]),
        (_strange_code, ["000000000007.png", "label value 200", "stuffthingmaps_trainval2017.zip"]),
        (_no_photo, ["000000000007.jpg", "cannot be decoded"]),
        (_no_label_map, ["000000000007.png", "cannot be decoded"]),
        (_no_maps, ["no stuffthingmaps/{train2017,val2017}/ or stuffthingmaps_trainval2017.zip", "--source"]),
        (_other_split, ["none of 3 photos has one of the 1 label maps"]),
    ],
)
def test_bad_files_are_named_with_the_remedy_and_leave_no_store(
    coco: StuffFolder, damage: Any, words: list[str]
) -> None:
    damage(coco)
    with pytest.raises(UserError) as caught:
        prepare(coco.root)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)
    assert leftovers(coco.root.parent / "data") == []


def test_no_photo_of_the_list_is_told(coco: StuffFolder) -> None:
    with pytest.raises(UserError, match=r"none of 4 photos .*--min-side"):
        prepare(coco.root, min_side=400)


def test_an_interrupted_build_continues_and_ends_the_same(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(building, "PART_PIXELS", 1)
    undisturbed = prepare(coco.root, min_share=0.1).summary["fingerprint"]
    (coco.root.parent / "data" / "coco-stuff.h5").unlink()
    with pytest.raises(KeyboardInterrupt):
        prepare(coco.root, progress=interrupting, min_share=0.1)
    assert leftovers(coco.root.parent / "data") == []
    # Photos that are finished are not read again, even if they could not be.
    read = stuff.StuffReader.read
    again: list[str] = []

    def counting(self: Any, item: Any) -> Any:
        again.append(item.id)
        return read(self, item)

    monkeypatch.setattr(stuff.StuffReader, "read", counting)
    assert prepare(coco.root, min_share=0.1).summary["fingerprint"] == undisturbed
    assert len(again) <= 2
    assert list((coco.root.parent / "data").glob(".*.parts")) == []


def test_other_options_or_files_never_take_up_earlier_parts(
    coco: StuffFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "PART_PIXELS", 1)
    with pytest.raises(KeyboardInterrupt):
        prepare(coco.root, progress=interrupting)
    coco.add(7, SKY, SKY, SKY, PLANT)
    first = prepare(coco.root, channels="bgr").summary["fingerprint"]
    (coco.root.parent / "data" / "coco-stuff.h5").unlink()
    assert prepare(coco.root, channels="bgr").summary["fingerprint"] == first


def test_an_archive_that_is_damaged_inside_is_named(coco: StuffFolder, tmp_path: Path) -> None:
    archives = zip_folders(coco.root, tmp_path / "zips" / "coco")
    content = bytearray((archives / "train2017.zip").read_bytes())
    photo = (coco.root / "train2017/000000000007.jpg").read_bytes()
    content[content.find(photo) + len(photo) // 2] ^= 255
    (archives / "train2017.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"train2017\.zip/train2017/0+7\.jpg: damaged or truncated \(Bad CRC"):
        prepare(archives)


def test_a_truncated_archive_is_named(coco: StuffFolder, tmp_path: Path) -> None:
    archives = zip_folders(coco.root, tmp_path / "zips" / "coco")
    content = (archives / "val2017.zip").read_bytes()
    (archives / "val2017.zip").write_bytes(content[:-30])
    with pytest.raises(UserError, match=r"val2017\.zip: damaged or truncated .*fetch it again"):
        prepare(archives)


@pytest.mark.parametrize("name", ["../000000000001.jpg", "/000000000001.jpg", "train2017/../../x.jpg"])
def test_an_archive_with_a_path_that_escapes_is_refused(coco: StuffFolder, tmp_path: Path, name: str) -> None:
    archives = zip_folders(coco.root, tmp_path / "zips" / "coco")
    zip_files(archives / "val2017.zip", {name: b"x"})
    with pytest.raises(UserError, match=r"val2017\.zip: contains .*outside of the archive"):
        prepare(archives)


@needs_shared
def test_real_photos_give_the_published_list_but_for_what_their_derived_maps_change(tmp_path: Path) -> None:
    source = SHARED / "data" / "coco"
    cases = ((CocoStuff, CocoStuffOptions, "15", 50, 5), (CocoStuff3, CocoStuff3Options, "3", 41, 4))
    for recipe, options_type, name, kept, differing in cases:
        options = options_type.parse({"source": str(source)}, "x")
        prepared = recipe().prepare(options, tmp_path, no_progress)
        store = Store(prepared.store)
        store.verify()
        listed = set()
        for split in ("train2017", "val2017"):
            path = SHARED / "reference" / "id-lists" / split / f"coco-stuff-{name}.txt"
            listed |= set(path.read_text().split())
        with_maps = {path.stem for path in (source / "stuffthingmaps").glob("*/*.png")}
        assert store.photos == kept
        assert len(set(store.ids()) ^ (listed & with_maps)) == differing


@needs_shared
def test_the_published_lists_have_the_hashes_that_are_checked() -> None:
    for recipe, name in ((CocoStuff, "15"), (CocoStuff3, "3")):
        for split in ("train2017", "val2017"):
            path = SHARED / "reference" / "id-lists" / split / f"coco-stuff-{name}.txt"
            assert recipe.published.is_made_of(split, path.read_text().split())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_list_saved_by_windows_is_read(coco: StuffFolder, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.txt").write_bytes("000000000003\r\n5\r\n".encode(encoding))
    assert Store(prepare(coco.root, list=str(tmp_path / "mine.txt")).store).ids() == [
        "000000000003",
        "000000000005",
    ]
    (tmp_path / "mine.txt").write_bytes(b"\xff3")
    with pytest.raises(UserError, match=r"mine\.txt: the list of image ids is not UTF-8 text"):
        prepare(coco.root, list=str(tmp_path / "mine.txt"))


@pytest.mark.parametrize(
    ("photos", "maps"),
    [
        ("images/{}", "annotations/{}"),
        ("{0}/{0}", "stuffthingmaps/{0}/{0}"),
        ("coco2017/{}", "coco2017/stuffthingmaps/{}"),
        ("images/{0}/{0}", "stuffthingmaps_trainval2017/{}"),
    ],
)
def test_other_layouts_of_the_same_files_are_found(coco: StuffFolder, photos: str, maps: str) -> None:
    expected = prepare(coco.root).summary["fingerprint"]
    for split in ("train2017", "val2017"):
        for place, target in ((split, photos), (f"stuffthingmaps/{split}", maps)):
            aside = coco.root / "aside"
            (coco.root / place).rename(aside)
            (coco.root / target.format(split)).parent.mkdir(parents=True, exist_ok=True)
            aside.rename(coco.root / target.format(split))
    assert prepare(coco.root).summary["fingerprint"] == expected


def test_what_is_there_is_named_where_nothing_is_found(coco: StuffFolder) -> None:
    (coco.root / "train2017").rename(coco.root / "pictures")
    (coco.root / "val2017").rename(coco.root / "more")
    with pytest.raises(UserError, match=r"no \{train2017,val2017\}/ or .* only more, pictures, stuff"):
        prepare(coco.root)


def test_all_faults_are_told_at_once_and_may_be_left_out(coco: StuffFolder) -> None:
    _no_photo(coco)
    coco.write("stuffthingmaps/val2017/000000000005.png", b"")
    with pytest.raises(UserError, match="2 files are wrong: 1 x ") as caught:
        prepare(coco.root, min_share=0.1)
    for word in ("an empty file: stuffthingmaps/val2017/000000000005.png", "7.jpg", "--skip-broken leaves"):
        assert word in str(caught.value)
    prepared = prepare(coco.root, min_share=0.1, skip_broken=True)
    assert ids(prepared) == [3]
    assert prepared.summary["left out as broken"] == "2: 000000000005.png, 000000000007.jpg"
    assert Store(prepared.store).view("coco-stuff").note.endswith("; 2 broken files left out")


def test_label_maps_are_surveyed_as_everywhere(coco: StuffFolder) -> None:
    grey = np.arange(60, dtype=np.uint8)[None].repeat(40, axis=0) + np.arange(40, dtype=np.uint8)[:, None] * 3
    coco.write("stuffthingmaps/train2017/000000000007.png", palette_png(grey % 180))
    with pytest.raises(UserError, match=r"7\.png: \d+ different values without a class, as in .*: fetch"):
        prepare(coco.root, min_share=0)
    coco.add(7, SKY, PLANT, WALL, PERSON)
    swapped = Image.fromarray(np.full((40, 60), PLANT, np.uint8))
    swapped.putpalette([59, 60, 61] * 256)  # the colour of SKY in the other label maps
    out = io.BytesIO()
    swapped.save(out, "PNG")
    coco.write("stuffthingmaps/train2017/000000000003.png", out.getvalue())
    with pytest.raises(UserError, match=r"palettes disagree: #3b3c3d is value 93 in .*the official label"):
        prepare(coco.root, min_share=0.1)


def test_a_subset_of_one_class_is_told(coco: StuffFolder, tmp_path: Path) -> None:
    one = StuffFolder(tmp_path / "one" / "coco")
    one.add(1, SKY)
    (line,) = prepare(one.root).warnings
    assert line.endswith(
        "only of 'sky', which a constant prediction scores at 100 %: scores of such classes are undefined"
    )


def test_archives_of_windows_and_macos_are_read(coco: StuffFolder, tmp_path: Path) -> None:
    expected = prepare(coco.root).summary["fingerprint"]
    archives = zip_folders(coco.root, tmp_path / "zips" / "coco")
    with zipfile.ZipFile(archives / "train2017.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    extra = {f"__MACOSX/train2017/._{Path(name).name}": b"\0\5\x16\7" for name in files}
    (archives / "train2017.zip").unlink()
    zip_files(archives / "train2017.zip", {name.replace("/", "\\"): files[name] for name in files} | extra)
    prepared = prepare(archives)
    assert prepared.summary["fingerprint"] == expected
    assert "without label map" not in prepared.summary["files"]
