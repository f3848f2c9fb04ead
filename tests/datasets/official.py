"""Official archives in miniature: COCO's and COCO-Stuff's zips, and ISPRS's TIFF tiles."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from infoseg_bench.datasets.potsdam.potsdam import COLOURS
from tests.datasets.files import scene

SKY, PLANT, GROUND, WALL, PERSON, UNLABELLED = 105, 93, 110, 170, 0, 255
"""Codes of COCO-Stuff's label maps."""


def zip_files(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write an archive as COCO's are: photos stored, the rest deflated."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            stored = name.endswith(".jpg") or not content
            archive.writestr(name, content, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return path


def zip_folders(root: Path, out: Path) -> Path:
    """Pack a COCO folder into archives with the official names and inner paths."""
    for archive, top in (
        ("train2017.zip", "train2017"),
        ("val2017.zip", "val2017"),
        ("annotations_trainval2017.zip", "annotations"),
        ("stuffthingmaps_trainval2017.zip", "stuffthingmaps"),
    ):
        if (root / top).is_dir():
            base = root / top if top == "stuffthingmaps" else root
            files = sorted(path for path in (root / top).rglob("*") if path.is_file())
            # The official archives list their folders too.
            folders = {f"{path.parent.relative_to(base)}/": b"" for path in files}
            zip_files(out / archive, {**folders, **{str(p.relative_to(base)): p.read_bytes() for p in files}})
    return out


class StuffFolder:
    """COCO photos of 60x40 with COCO-Stuff's label maps, unpacked."""

    width, height = 60, 40

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, photo: int, *codes: int, split: str = "train2017", **sizes: int) -> str:
        """Add a photo whose label map has these codes as columns of equal width."""
        width, height = sizes.get("width", self.width), sizes.get("height", self.height)
        name = f"{photo:012d}"
        self.write(f"{split}/{name}.jpg", jpeg(scene(height, width, photo)))
        columns = np.repeat(np.array(codes, dtype=np.uint8), -(-width // len(codes)))[:width]
        self.write(f"stuffthingmaps/{split}/{name}.png", palette_png(np.tile(columns, (height, 1))))
        return name

    def write(self, path: str, content: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)


def jpeg(pixels: np.ndarray, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def palette_png(codes: np.ndarray) -> bytes:
    """A label map as COCO-Stuff's are: 8 bits, indexed."""
    image = Image.fromarray(codes).convert("P")
    image.putdata(codes.ravel().tolist())
    image.putpalette(bytes(range(256)) * 3)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


TILE, BLOCK = 80, 10
"""Sides of a miniature tile and of its blocks, which are 4x4 per tile."""


def tile(seed: int) -> np.ndarray:
    """Red, green, blue and infrared."""
    return np.random.default_rng(seed).integers(0, 256, (TILE, TILE, 4), dtype=np.uint8)


def label_tile(seed: int) -> np.ndarray:
    """Patches of class colours."""
    classes = np.random.default_rng(seed).integers(0, 6, (TILE // 4, TILE // 4))
    return np.array(COLOURS, dtype=np.uint8)[classes.repeat(4, axis=0).repeat(4, axis=1)]


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    four: dict[str, Any] = {"extrasamples": ["unspecified"]} if pixels.shape[-1] == 4 else {}
    tifffile.imwrite(out, pixels, **{"photometric": "rgb", **four, **options})
    return out.getvalue()
