from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import VOID
from infoseg_bench.datasets.potsdam.blocks import read_blocks
from infoseg_bench.datasets.potsdam.cutting import STRAY, classes_of_colours
from infoseg_bench.datasets.potsdam.potsdam import COLOURS, Potsdam, Potsdam3
from infoseg_bench.datasets.potsdam.tiles import LABELLED, OTHERS
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.utils.progress import no_progress
from tests.datasets.files import leftovers
from tests.datasets.official import BLOCK, TILE, label_tile, tiff, tile, zip_files

SMALL = {"tile": TILE, "crop": BLOCK}
BLOCKS = 16


def image_name(name: str) -> str:
    return f"4_Ortho_RGBIR/top_potsdam_{name}_RGBIR.tif"


def label_name(name: str) -> str:
    return f"5_Labels_for_participants/top_potsdam_{name}_label.tif"


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


@pytest.fixture
def isprs(tmp_path: Path) -> Path:
    """Three tiles, two of them labelled, in folders."""
    root = tmp_path / "isprs"
    write(root, {image_name(name): tiff(tile(i)) for i, name in enumerate(("2_10", "6_7", "2_13"))})
    write(root, {label_name(name): tiff(label_tile(i)) for i, name in enumerate(("2_10", "6_7"))})
    return root


def prepare(root: Path, recipe: Any = Potsdam, **options: Any) -> Prepared:
    parsed = recipe.options_type.parse({"source": str(root), **SMALL, **options}, "prepare potsdam")
    prepared: Prepared = recipe().prepare(parsed, root.parent / "data", no_progress)
    return prepared


def test_one_store_holds_both_data_sets(isprs: Path) -> None:
    store = Store(prepare(isprs).store)
    six, three = store.view("potsdam"), store.view("potsdam-3")
    assert store.path.name == "potsdam.h5"
    assert (store.photos, store.labelled, store.channels) == (3 * BLOCKS, 2 * BLOCKS, 4)
    assert (len(six.classes), len(three.classes)) == (6, 3)
    for view in (six, three):
        assert len(view.train) == 3 * BLOCKS
        assert len(view.evaluation) == 2 * BLOCKS
        assert view.crop == BLOCK
    assert [three.tables["published"][cls] for cls in range(6)] == [0, 1, 2, 2, 0, 1]


def test_preparing_the_one_is_preparing_the_other(isprs: Path) -> None:
    first = prepare(isprs, Potsdam).summary["fingerprint"]
    assert prepare(isprs, Potsdam3).summary["fingerprint"] == first
    assert leftovers(isprs.parent / "data") == ["potsdam.h5"]


def test_tiles_are_in_the_order_of_their_numbers_and_blocks_row_by_row(isprs: Path) -> None:
    names = Store(prepare(isprs).store).ids()
    assert names[:5] == ["2_10-00-00", "2_10-00-01", "2_10-00-02", "2_10-00-03", "2_10-01-00"]
    assert [name.partition("-")[0] for name in names[::BLOCKS]] == ["2_10", "2_13", "6_7"]


def test_blocks_are_the_tile_halved_by_opencv(isprs: Path) -> None:
    store = Store(prepare(isprs).store)
    blocks = store.arrays(labels=False).pixels.reshape(3, 4, 4, BLOCK, BLOCK, 4)
    halved = blocks[0].transpose(0, 2, 1, 3, 4).reshape(TILE // 2, TILE // 2, 4)
    np.testing.assert_array_equal(halved, cv2.resize(tile(0), None, fx=0.5, fy=0.5))


def test_labels_are_the_nearest_pixels_classes(isprs: Path) -> None:
    arrays = Store(prepare(isprs).store).arrays(labels=True)
    assert arrays.labels is not None
    blocks = arrays.labels.reshape(2, 4, 4, BLOCK, BLOCK)
    halved = blocks[0].transpose(0, 2, 1, 3).reshape(TILE // 2, TILE // 2)
    expected = label_tile(0)[::2, ::2]
    np.testing.assert_array_equal(np.array(COLOURS, dtype=np.uint8)[halved], expected)


@pytest.mark.parametrize("inside", ["4_Ortho_RGBIR/", ""])
def test_zip_files_give_what_folders_give(isprs: Path, tmp_path: Path, inside: str) -> None:
    zips = tmp_path / "zips" / "isprs"
    for folder in ("4_Ortho_RGBIR", "5_Labels_for_participants"):
        files = {f"{inside and folder + '/'}{p.name}": p.read_bytes() for p in (isprs / folder).iterdir()}
        zip_files(zips / f"{folder}.zip", files)
    assert prepare(zips).summary["fingerprint"] == prepare(isprs).summary["fingerprint"]


@pytest.mark.parametrize(
    "options",
    [{"compression": "zlib"}, {"planarconfig": "separate"}, {"tile": (16, 16)}, {"rowsperstrip": 7}],
)
def test_every_layout_of_a_tiff_is_read(isprs: Path, options: dict[str, Any]) -> None:
    expected = prepare(isprs).summary["fingerprint"]
    pixels = np.moveaxis(tile(0), -1, 0) if "planarconfig" in options else tile(0)
    extra = {"extrasamples": ["unspecified"]}
    write(isprs, {image_name("2_10"): tiff(pixels, **extra, **options)})
    assert prepare(isprs).summary["fingerprint"] == expected


def test_stray_colours_count_as_the_nearest_class_or_as_void_and_are_counted(isprs: Path) -> None:
    labels = label_tile(0)
    labels[:4, :4] = (252, 255, 0)  # near car
    labels[:4, 4:8] = (0, 0, 0)  # near none
    labels[4:8, :4] = (200, 255, 0)  # not near enough
    write(isprs, {label_name("2_10"): tiff(labels)})
    prepared = prepare(isprs)
    assert (
        prepared.summary["stray label colours"]
        == "4 pixels close to the colour of a class, 8 close to none (void)"
    )
    store = Store(prepared.store)
    arrays = store.arrays(labels=True)
    assert arrays.labels is not None
    first = arrays.labels[: BLOCK * BLOCK].reshape(BLOCK, BLOCK)
    table = store.view("potsdam").tables["corrected"]
    assert [int(table[first[0, 0]]), int(first[0, 2]), int(first[2, 0])] == [4, VOID, VOID]
    assert prepare(isprs, tolerance=60).summary["stray label colours"].startswith("8 pixels close to")


@given(st.tuples(*[st.integers(0, 255)] * 3), st.integers(0, 127))
def test_a_colour_counts_as_the_class_within_the_tolerance(colour: tuple[int, int, int], near: int) -> None:
    found = int(classes_of_colours(np.array([[colour]], dtype=np.uint8), COLOURS, tolerance=near)[0, 0])
    distances = [max(abs(a - b) for a, b in zip(colour, other, strict=True)) for other in COLOURS]
    nearest = int(np.argmin(distances))
    if distances[nearest] == 0:
        assert found == nearest
    elif distances[nearest] <= near:
        assert found == nearest + STRAY
    else:
        assert found == VOID


def test_a_part_of_the_tiles_says_what_is_missing(isprs: Path) -> None:
    prepared = prepare(isprs)
    assert prepared.summary["files"] == "3 of 38 tiles, 2 of 24 label tiles"
    assert prepared.summary["missing"].startswith("top_potsdam_2_11_RGBIR.tif, ")
    assert Store(prepared.store).view("potsdam-3").note == "a subset: 57 of 62 official files are missing"


def test_all_tiles_give_the_published_numbers_of_images(tmp_path: Path) -> None:
    root = tmp_path / "isprs"
    small = tile(0)[:20, :20]
    write(root, {image_name(name): tiff(small) for name in (*LABELLED, *OTHERS)})
    # Labels that ISPRS released later change nothing.
    labels = np.array(COLOURS, dtype=np.uint8)[np.arange(400).reshape(20, 20) // 4 % 6]
    write(root, {label_name(name): tiff(labels) for name in (*LABELLED, *OTHERS)})
    prepared = prepare(root, tile=20, crop=10)
    assert prepared.summary["files"] == "38 of 38 tiles, 24 of 24 label tiles"
    assert prepared.summary["photos"] == "38, of which 24 are labelled and scored"
    assert "missing" not in prepared.summary
    assert prepared.summary["complete"].startswith("38 photos, 24 labelled as expected; every class occurs")
    assert 38 * 225 == 8550
    assert Store(prepared.store).view("potsdam").note == ""


def test_only_one_tile_is_in_memory_at_a_time(isprs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[int] = []
    read = read_blocks

    def counting(*words: Any, **options: Any) -> Any:
        alive.append(1)
        assert len(alive) == 1
        photos = read(*words, **options)
        alive.pop()
        return photos

    monkeypatch.setattr("infoseg_bench.datasets.potsdam.potsdam.read_blocks", counting)
    prepare(isprs)


def _wrong_size(root: Path) -> None:
    write(root, {image_name("2_10"): tiff(tile(0)[:40])})


def _rgb_only(root: Path) -> None:
    write(root, {image_name("2_10"): tiff(np.ascontiguousarray(tile(0)[..., :3]))})


def _deep(root: Path) -> None:
    write(root, {image_name("2_10"): tiff(tile(0).astype(np.uint16))})


def _grey_labels(root: Path) -> None:
    write(root, {label_name("2_10"): tiff(label_tile(0)[..., 0], photometric="minisblack")})


def _truncated(root: Path) -> None:
    content = tiff(tile(0))
    write(root, {image_name("2_10"): content[: len(content) // 2]})


def _no_tiff(root: Path) -> None:
    write(root, {image_name("2_10"): b"<html>please log in</html>"})


def _other_archive(root: Path) -> None:
    (root / "4_Ortho_RGBIR").rename(root / "elsewhere")
    zip_files(root / "4_Ortho_RGBIR.zip", {"readme.txt": b"nothing"})


def _nothing(root: Path) -> None:
    (root / "4_Ortho_RGBIR").rename(root / "elsewhere")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_wrong_size, ["top_potsdam_2_10_RGBIR.tif", "80x40 pixels of 4 bands", "80x80 of 4"]),
        (_rgb_only, ["top_potsdam_2_10_RGBIR.tif", "80x80 pixels of 3 bands", "80x80 of 4"]),
        (_deep, ["top_potsdam_2_10_RGBIR.tif", "uint16", "uint8"]),
        (_grey_labels, ["top_potsdam_2_10_label.tif", "1 bands", "80x80 of 3"]),
        (_truncated, ["top_potsdam_2_10_RGBIR.tif", "cannot be decoded", "fetch it again"]),
        (_no_tiff, ["top_potsdam_2_10_RGBIR.tif", "a web page, not an image"]),
        (_other_archive, ["no top_potsdam_*_RGBIR.tif", "https://www.isprs.org"]),
        (_nothing, ["4_Ortho_RGBIR.zip and 5_Labels_for_participants.zip", "https://www.isprs.org", "isprs"]),
    ],
)
def test_bad_files_are_named_with_the_remedy_and_leave_no_store(
    isprs: Path, damage: Any, words: list[str]
) -> None:
    damage(isprs)
    with pytest.raises(UserError) as caught:
        prepare(isprs)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)
    assert leftovers(isprs.parent / "data") == []


def test_a_tile_that_blocks_do_not_fill_is_refused() -> None:
    with pytest.raises(UsageError, match="--tile 6000: not a multiple of twice the --crop of 128"):
        Potsdam.options_type.parse({"crop": 128}, "prepare potsdam")


def test_labels_are_found_in_the_folder_that_isprs_published_later(isprs: Path) -> None:
    expected = prepare(isprs).summary["fingerprint"]
    (isprs / "5_Labels_for_participants").rename(isprs / "5_Labels_all")
    assert prepare(isprs).summary["fingerprint"] == expected


def test_tiles_without_any_labels_are_a_warning(isprs: Path) -> None:
    (isprs / "5_Labels_for_participants").rename(isprs / "labels")
    (line,) = [line for line in prepare(isprs).warnings if "label tiles" in line]
    assert "5_Labels_for_participants or 5_Labels_all" in line


def test_a_codec_that_is_not_installed_is_named_with_the_extra(
    isprs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*words: Any, **options: Any) -> None:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr("tifffile.TiffPage.asarray", missing)
    with pytest.raises(UserError, match=r"LZW.*pip install 'infoseg-bench\[tiff\]', or save the TIFF"):
        prepare(isprs)


def test_all_faults_of_the_tiles_are_told_at_once_and_may_be_left_out(isprs: Path) -> None:
    _rgb_only(isprs)
    write(isprs, {label_name("2_10"): b"", image_name("2_13"): b"<html>please log in</html>"})
    with pytest.raises(UserError, match="3 files are wrong: 1 x not the official 80x80 of 4 bands") as caught:
        prepare(isprs)
    for word in ("2_10_label.tif", "an empty file", "2_13_RGBIR.tif", "a web page", "--skip-broken"):
        assert word in str(caught.value)
    prepared = prepare(isprs, skip_broken=True)
    assert Store(prepared.store).photos == BLOCKS
    assert prepared.summary["left out as broken"].startswith("3: top_potsdam_2_10_RGBIR.tif")
    assert Store(prepared.store).view("potsdam-3").note.endswith("; 3 broken files left out")


def test_tiles_named_otherwise_are_found_and_other_files_counted(isprs: Path) -> None:
    expected = prepare(isprs).summary["fingerprint"]
    folder = isprs / "4_Ortho_RGBIR"
    (folder / "top_potsdam_2_10_RGBIR.tif").rename(folder / "top_potsdam_02_10_RGBIR.TIFF")
    (folder / "top_potsdam_2_10_RGBIR.tfw").write_text("0.05")
    prepared = prepare(isprs)
    assert prepared.summary["fingerprint"] == expected
    assert prepared.summary["left out"] == "1 file of other names (top_potsdam_2_10_RGBIR.tfw)"


def test_what_lies_there_is_named_where_tiles_or_labels_are_missing(isprs: Path) -> None:
    (isprs / "5_Labels_for_participants").rename(isprs / "5_Labels_no_Boundary")
    (line,) = [line for line in prepare(isprs).warnings if "label tiles" in line]
    assert "only 4_Ortho_RGBIR, 5_Labels_no_Boundary: nothing can be scored" in line
    (isprs / "4_Ortho_RGBIR").rename(isprs / "Potsdam")
    with pytest.raises(UserError, match="here, only 5_Labels_no_Boundary, Potsdam: request"):
        prepare(isprs)


def test_label_tiles_are_surveyed_as_all_label_maps_are(isprs: Path) -> None:
    labels = label_tile(0)
    labels[:60] = 77
    write(isprs, {label_name("2_10"): tiff(labels)})
    (line,) = [line for line in prepare(isprs).warnings if "void" in line]
    assert line.startswith(
        "more than half void: 1 of 2 label maps (the first: top_potsdam_2_10_label.tif, 75%"
    )
    assert "label.tif, 75%; value #4d4d4d: 38%" in line
    photo = np.random.default_rng(0).integers(40, 215, (TILE, TILE, 3), dtype=np.uint8)
    write(isprs, {label_name("2_10"): tiff(photo)})
    with pytest.raises(UserError, match=r"2_10_label.tif: \d+ different values without a class, as in"):
        prepare(isprs)
    for name in ("2_10", "6_7"):
        write(isprs, {label_name(name): tiff(np.full((TILE, TILE, 3), 77, np.uint8))})
    with pytest.raises(UserError, match=r"every pixel of the 2 label maps is void .*use the official label"):
        prepare(isprs)


def test_an_archive_around_the_archives_is_to_be_unpacked(tmp_path: Path) -> None:
    zip_files(tmp_path / "isprs" / "Potsdam.zip", {"Potsdam/4_Ortho_RGBIR.zip": b"PK"})
    with pytest.raises(UserError, match=r"only Potsdam.zip: unpack the archive that holds 4_Ortho_RGBIR.zip"):
        prepare(tmp_path / "isprs")
