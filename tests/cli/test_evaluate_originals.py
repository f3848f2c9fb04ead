"""Label maps of other software at the original photos' size, on the data sets of today's benchmarks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy.io import savemat

from infoseg_bench.cli import main
from infoseg_bench.data.store import Store
from infoseg_bench.datasets.potsdam import mat_files
from infoseg_bench.datasets.potsdam import rgb as potsdam_rgb
from tests.datasets.files import scene
from tests.datasets.official import GROUND, PERSON, PLANT, SKY, StuffFolder, palette_png

Maps = dict[str, np.ndarray]
"""Label maps of the original photos by id."""

SIDE = 24


def call(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.output


def noise(seed: int, values: list[int], height: int, width: int) -> np.ndarray:
    """Values that differ from pixel to pixel, so that only an exact scaling gives those of the store."""
    return np.random.default_rng(seed).choice(np.array(values, dtype=np.uint8), (height, width))


def cityscapes(root: Path, monkeypatch: pytest.MonkeyPatch) -> Maps:
    maps = {}
    for city, height, width in (("frankfurt", 37, 75), ("munster", 64, 128)):
        name = f"{city}_000000_000294"
        maps[name] = noise(len(city), [0, 7, 11, 26, 33], height, width)
        photo = root / "leftImg8bit" / "val" / city / f"{name}_leftImg8bit.png"
        labels = root / "gtFine" / "val" / city / f"{name}_gtFine_labelIds.png"
        for file, pixels in ((photo, scene(height, width)), (labels, maps[name])):
            file.parent.mkdir(parents=True)
            Image.fromarray(pixels).save(file)
    return maps


def coco_stuff_27(root: Path, monkeypatch: pytest.MonkeyPatch) -> Maps:
    coco, maps = StuffFolder(root), {}
    for photo, (height, width) in enumerate(((360, 481), (500, 375))):
        name = coco.add(photo, SKY, split="val2017", height=height, width=width)
        maps[name] = noise(photo, [SKY, PLANT, GROUND, SKY, PERSON], height, width)
        coco.write(f"stuffthingmaps/val2017/{name}.png", palette_png(maps[name]))
    return maps


def potsdam_3_rgb(root: Path, monkeypatch: pytest.MonkeyPatch) -> Maps:
    monkeypatch.setattr(mat_files, "COUNTS", {"labelled_train": 0, "labelled_test": 2})
    monkeypatch.setattr(potsdam_rgb, "_sizes", lambda _: (2, 2))
    maps = {f"00{name}": noise(name, [0, 1, 2, 3, 4, 5], 10, 10) for name in (42, 17)}
    for name, labels in maps.items():
        for folder, array in (("imgs", scene(10, 10)), ("gt", labels.astype(np.int32))):
            pixels = array if folder == "gt" else np.dstack([array, array[..., :1]])
            (root / folder).mkdir(parents=True, exist_ok=True)
            savemat(root / folder / f"{int(name)}.mat", {folder.removesuffix("s"): pixels})
    (root / "labelled_test.txt").write_text("42\n17\n")
    (root / "labelled_train.txt").touch()
    return maps


@pytest.mark.parametrize(
    ("write", "words", "sizes"),
    [
        (cityscapes, [], "37x75, 64x128"),
        (coco_stuff_27, [], "360x481, 500x375"),
        (potsdam_3_rgb, ["--block", "10", "--tile", "40"], "10x10"),
    ],
)
def test_maps_of_the_original_size_are_scaled_and_cut_to_the_pixel_as_labels_are(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path, pytest.MonkeyPatch], Maps],
    words: list[str],
    sizes: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    name = write.__name__.replace("_", "-")
    maps = write(tmp_path / "source", monkeypatch)
    small = ["--size", str(SIDE + 4), "--crop", str(SIDE)]
    status, output = call("prepare", name, "--source", "source", "--train", "none", *small, *words)
    assert status == 0, output
    Path("maps").mkdir()
    for photo, labels in maps.items():
        # Numbers beyond 32 bits, which no image format has.
        np.save(Path("maps", f"{photo}.npy"), labels.astype(np.int64) << 40)
    status, output = call("evaluate", "--dataset", name, "--predictions", "maps", "--name", "A")
    assert status == 0, output
    assert "PA 100.00 % (majority vote" in output
    told = f"2 label maps of {sizes} scaled as the labels were, by nearest neighbours"
    assert f"warning: {told}\n" in output
    (record,) = Path("results", "runs").glob("*/record.json")
    assert told in json.loads(record.read_text())["warnings"]
    assert call("report")[0] == 0
    assert told in Path("results", "report", "leaderboard.md").read_text()


def test_maps_of_another_shape_than_the_whole_photo_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    maps = cityscapes(tmp_path / "source", monkeypatch)
    assert call("prepare", "cityscapes", "--source", "source", "--size", "16", "--crop", "16")[0] != 0
    options = ["--train", "none", "--size", "16", "--crop", "16"]
    assert call("prepare", "cityscapes", "--source", "source", *options)[0] == 0
    sizes = Store(Path("data", "cityscapes.h5")).arrays(labels=False).sizes.tolist()
    assert sizes == [[16, 32], [16, 32]]
    Path("maps").mkdir()
    for shape in ((37, 37), (0, 75), (1, 1 << 20)):
        for photo in maps:
            np.save(Path("maps", f"{photo}.npy"), np.zeros(shape, dtype=np.int64))
        status, output = call("evaluate", "--dataset", "cityscapes", "--predictions", "maps")
        assert status == 1
        assert f"({shape[0]}x{shape[1]} for a photo of 16x32)" in output
