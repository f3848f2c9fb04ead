from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.store import Store
from infoseg_bench.datasets.potsdam import mat_files
from infoseg_bench.datasets.potsdam import rgb as module
from infoseg_bench.datasets.potsdam.rgb import PotsdamRgb, PotsdamRgbOptions, drawn
from infoseg_bench.errors import UserError
from infoseg_bench.utils.progress import no_progress
from tests.datasets.official import BLOCK, TILE, label_tile, tiff, tile, zip_files
from tests.datasets.test_potsdam import BLOCKS, image_name, label_name, write

SMALL = {"tile": TILE, "block": BLOCK, "size": 16, "crop": 16}


def prepare(source: Path, **options: Any) -> Prepared:
    parsed = PotsdamRgbOptions.parse({"source": str(source), **SMALL, **options}, "prepare potsdam-3-rgb")
    return PotsdamRgb().prepare(parsed, source.parent / "data", no_progress)


@pytest.fixture
def isprs(tmp_path: Path) -> Path:
    """Three tiles, two of them labelled."""
    root = tmp_path / "isprs"
    write(root, {image_name(name): tiff(tile(i)) for i, name in enumerate(("2_10", "6_7", "2_13"))})
    write(root, {label_name(name): tiff(label_tile(i)) for i, name in enumerate(("2_10", "6_7"))})
    return root


def mat(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    savemat(out, arrays)
    return out.getvalue()


@pytest.fixture
def stego(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Five blocks as IIC's script writes them, two of which are scored."""
    monkeypatch.setattr(mat_files, "COUNTS", {"labelled_train": 3, "labelled_test": 2})
    monkeypatch.setattr(module, "_sizes", lambda _: (5, 2))
    numbers = np.random.default_rng(0)
    files = {"labelled_train.txt": b"17\n3\n8001\n", "labelled_test.txt": b"42\n5\n"}
    for name in ("17", "3", "8001", "42", "5"):
        image = numbers.integers(0, 256, (BLOCK, BLOCK, 4), dtype=np.uint8)
        labels = numbers.integers(0, 6, (BLOCK, BLOCK), dtype=np.int32)
        files |= {f"imgs/{name}.mat": mat(img=image), f"gt/{name}.mat": mat(gt=labels)}
    return files


def test_stegos_files_give_stegos_split(stego: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path / "pytorch-data" / "potsdam", stego)
    store = Store(prepare(tmp_path / "pytorch-data").store)
    view = store.view("potsdam-3-rgb")
    names = store.ids()
    assert [names[index] for index in view.evaluation] == ["0042", "0005"]
    assert [names[index] for index in view.train] == ["0017", "0003", "8001"]
    assert (view.note, store.channels, view.crop) == ("", 3, 16)


def test_its_archive_gives_the_same(stego: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path / "folder" / "source", stego)
    packed = zip_files(
        tmp_path / "zip" / "source" / "potsdam.zip", {f"potsdam/{n}": c for n, c in stego.items()}
    )
    unpacked = prepare(tmp_path / "folder" / "source").summary["fingerprint"]
    assert prepare(packed.parent).summary["fingerprint"] == unpacked


def test_blocks_lose_infrared_and_are_enlarged_by_nearest_neighbours(
    stego: dict[str, bytes], tmp_path: Path
) -> None:
    write(tmp_path / "source", stego)
    blocks = mat_files.MatBlocks.find(tmp_path / "source")
    assert blocks is not None
    block = blocks.read("42", BLOCK)
    store = Store(prepare(tmp_path / "source").store)
    arrays, view = store.arrays(labels=True), store.view("potsdam-3-rgb")
    nearest = ((np.arange(16) + 0.5) * BLOCK / 16).astype(int)
    expected = block.image[nearest[:, None], nearest]
    np.testing.assert_array_equal(arrays.pixels[:256].reshape(16, 16, 3), expected[..., :3])
    assert arrays.labels is not None
    assert block.labels is not None
    np.testing.assert_array_equal(
        arrays.labels[:256].reshape(16, 16), block.labels[nearest[:, None], nearest]
    )
    # STEGO src/data.py:144-148.
    assert view.tables["published"][:6].tolist() == [0, 1, 2, 2, 0, 1]


def test_official_tiles_give_a_split_of_this_projects_own(isprs: Path) -> None:
    store = Store(prepare(isprs).store)
    view, names = store.view("potsdam-3-rgb"), store.ids()
    assert (len(view.train), len(view.evaluation)) == (2 * BLOCKS - 5, 5)
    assert not set(view.train) & set(view.evaluation)
    assert view.note == "a subset: 2 of 24 labelled tiles; scored blocks drawn by this project, not STEGO's"
    alone = Store(prepare(isprs, train="none").store)
    assert alone.ids() == [names[index] for index in view.evaluation]


def test_the_draw_depends_on_names_alone() -> None:
    names = [f"2_10-{row:02d}-{column:02d}" for row in range(15) for column in range(15)]
    assert drawn(names, 36) == drawn(names[::-1], 36)
    assert len(drawn(names, 36)) == 36


def test_the_published_sizes() -> None:
    expected = PotsdamRgb.expected(PotsdamRgbOptions())
    assert (expected.photos, expected.scored, expected.channels, expected.crop) == (4_545, 855, 3, 320)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labelled_test.txt", b"42\n42\n", "1 blocks, not the 2 of IIC's split"),
        ("labelled_test.txt", b"42\n", "1 blocks, not the 2 of IIC's split"),
        ("imgs/42.mat", b"", "no array 'img' can be read"),
        ("imgs/42.mat", mat(img=np.zeros((4, 4, 4), dtype=np.uint8)), r"not \(10, 10, 4\) uint8"),
        ("gt/42.mat", mat(gt=np.full((BLOCK, BLOCK), 7)), "labels are not 0 to 5"),
    ],
)
def test_damaged_files_of_stego_are_named(
    stego: dict[str, bytes], tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    write(tmp_path / "source", {**stego, name: content})
    with pytest.raises(UserError, match=message):
        prepare(tmp_path / "source")


def test_all_faults_are_told_at_once_and_may_be_left_out(isprs: Path) -> None:
    write(isprs, {image_name("2_10"): b"", label_name("6_7"): b"<html>please log in</html>"})
    with pytest.raises(UserError, match=r"2 files are wrong: 1 x an empty file: .*--skip-broken leaves"):
        prepare(isprs)
    write(isprs, {image_name("2_10"): tiff(tile(0))})
    store = Store(prepare(isprs, skip_broken=True).store)
    assert {name.partition("-")[0] for name in store.ids()} == {"2_10"}
    assert store.view("potsdam-3-rgb").note.endswith("1 broken file left out")


def test_all_damaged_blocks_of_stego_are_named_at_once(stego: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path / "source", {**stego, "imgs/42.mat": b"", "imgs/17.mat": b""})
    with pytest.raises(UserError, match=r"2 files are wrong: 2 x no array 'img' can be read: .*42.*17"):
        prepare(tmp_path / "source")
    (tmp_path / "source" / "gt" / "5.mat").unlink()
    with pytest.raises(UserError, match=r"1 of 2 blocks have no file in imgs or gt \(5\): get potsdam\.zip"):
        prepare(tmp_path / "source")
