"""Potsdam-3 in red, green and blue, with STEGO's split into training and scored blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.view import label_table
from infoseg_bench.datasets.potsdam.blocks import read_blocks
from infoseg_bench.datasets.potsdam.cutting import STRAY, classes_of_colours
from infoseg_bench.datasets.potsdam.mat_files import MatBlocks
from infoseg_bench.datasets.potsdam.potsdam import CLASSES_3, COLLAPSE, COLOURS, COLOURS_3
from infoseg_bench.datasets.potsdam.tiles import IMAGES, LABELLED, LABELS, REQUEST, Tiles
from infoseg_bench.errors import UsageError
from infoseg_bench.preparation.build_cache import ReadPhoto
from infoseg_bench.preparation.building import read_in_parts
from infoseg_bench.preparation.preparation import expect, source_folder
from infoseg_bench.preparation.shorter_side import ShorterSideOptions
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory

TENTH = 855 / 5_400
"""Fraction of the labelled blocks that is scored, about a tenth of all 8 550 blocks
(IIC util/potsdam_prepare.py:22-25, 84)."""

TABLE = label_table(len(CLASSES_3), {**COLLAPSE, **{STRAY + fine: cls for fine, cls in COLLAPSE.items()}})


class PotsdamRgbOptions(ShorterSideOptions):
    """Options of `prepare potsdam-3-rgb`."""

    source: Path | None = parameter(
        None,
        "folder with STEGO's imgs, gt, labelled_train.txt and labelled_test.txt, for STEGO's split; or with "
        "the official tiles, as for potsdam, for a split by this project; without it, downloads/ below the "
        "data",
        source="chosen by this project",
    )
    filter: Literal["bilinear", "nearest"] = parameter(
        "nearest",
        "how blocks are enlarged: nearest neighbours, as in STEGO's code, or bilinear; labels always by "
        "nearest neighbours",
        source="STEGO src/utils.py:176-183",
    )
    tile: int = parameter(
        6000, "side of the official tiles in pixels", source="IIC util/potsdam_prepare.py:54-69", ge=16
    )
    block: int = parameter(
        200,
        "side of the blocks in pixels, after halving the tiles",
        source="IIC util/potsdam_prepare.py:109-134",
        ge=8,
    )
    tolerance: int = parameter(
        32,
        "largest difference in any channel at which a label colour still counts as that of a class; the "
        "published code accepts exact colours only",
        source="chosen by this project",
        ge=0,
        le=127,
    )
    train: Literal["stego", "none"] = parameter(
        "stego",
        "blocks to train on: the labelled ones that are not scored, or none, for a small store that can only "
        "be scored",
        source="STEGO src/data.py:128-131",
    )

    @model_validator(mode="after")
    def _blocks_fit(self) -> PotsdamRgbOptions:
        if self.tile % (2 * self.block):
            raise UsageError(f"--tile {self.tile}: not a multiple of twice the --block of {self.block}")
        return self


class PotsdamRgb(DatasetRecipe[PotsdamRgbOptions]):
    """Potsdam's labelled blocks without infrared: 4 545 to train on, and 855 scored."""

    name = "potsdam-3-rgb"
    sizes = (3, 320, len(CLASSES_3))
    title = "Potsdam-3 RGB (3 classes)"
    citation = "ISPRS 2D Semantic Labeling Contest, Potsdam (Rottensteiner et al., ISPRS Annals I-3, 2012)"
    licence = "ISPRS: research only, registration required, no redistribution"
    how_to_get = (
        f"infoseg-bench prepare potsdam-3-rgb --source DIR, with {IMAGES.name} and {LABELS.name} in DIR; "
        f"request them at {REQUEST}"
    )
    sources = (IMAGES, LABELS)

    @classmethod
    def expected(cls, options: PotsdamRgbOptions) -> Expected:
        """Return the sizes of IIC's split of the 24 labelled tiles."""
        labelled, scored = _sizes(options)
        photos = 0 if options.train == "none" else labelled - scored
        return Expected(classes=len(CLASSES_3), channels=3, crop=options.crop, photos=photos, scored=scored)

    def prepare(self, options: PotsdamRgbOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/potsdam-3-rgb.h5`, at most one tile in memory at a time.

        Raises:
            UserError: files are missing or are not the official ones
        """
        source = source_folder(options.source, data)
        blocks = MatBlocks.find(source)
        build = StoreBuild(
            self, options, data, classes=CLASSES_3, crop=options.crop, table=TABLE,
            skip_broken=options.skip_broken,
        )  # fmt: skip
        with build:
            if blocks is None:
                note, complete = _write_tiles(Tiles.find(source), build, options, progress)
            else:
                note, complete = _write_blocks(blocks, build, options, progress)
            build.check(source)
            summary = _summary(build, note or "STEGO's")
            if complete and not build.faults:
                scored = _sizes(options)[1]
                summary |= expect(self, build.balance, {"scored blocks": (len(build.scored), scored)})
            notes = (note, "no blocks to train on" if options.train == "none" else "", options.pixel_note)
            view = build.view(
                tables={"corrected": TABLE, "published": TABLE},
                palette=COLOURS_3,
                note="; ".join(one for one in notes if one),
            )
            return build.finish([view], summary)


def drawn(names: Sequence[str], count: int) -> frozenset[str]:
    """Return the `count` names with the smallest SHA-256, a sample that is the same on every machine."""
    return frozenset(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:count])


def _sizes(options: PotsdamRgbOptions) -> tuple[int, int]:
    """Return the numbers of labelled and of scored blocks in complete data."""
    labelled = len(LABELLED) * (options.tile // (2 * options.block)) ** 2
    return labelled, round(TENTH * labelled)


def _write_blocks(
    blocks: MatBlocks, build: StoreBuild, options: PotsdamRgbOptions, progress: ProgressFactory
) -> tuple[str, bool]:
    """Write STEGO's blocks; return the leaderboards' note on the split, and whether the data are complete."""
    for split, scored in (("labelled_test", True), ("labelled_train", False)):
        if not scored and options.train == "none":
            continue
        parts = read_in_parts(
            blocks.names(split),
            lambda name: _enlarged(blocks.read(name, options.block), options),
            identity=blocks.identity,
            cache=build.cache,
            photo_pixels=options.photo_pixels,
            progress=progress,
        )
        with closing(parts):
            for part in parts:
                build.write(part, trained=not scored, scored=scored)
    return "", True


def _write_tiles(
    tiles: Tiles, build: StoreBuild, options: PotsdamRgbOptions, progress: ProgressFactory
) -> tuple[str, bool]:
    """Write the blocks of the labelled tiles; return the same as `_write_blocks`."""
    names = [name for name in tiles.names if name in tiles.labels]
    side = options.tile // (2 * options.block)
    ids = [
        f"{name}-{row:02d}-{column:02d}" for name in names for row in range(side) for column in range(side)
    ]
    test = drawn(ids, round(TENTH * len(ids)))
    for name in progress(names, "tiles"):
        for photo in build.cache.photos(tiles.identity(name), partial(_cut, tiles, name, options)):
            scored = isinstance(photo, StoredPhoto) and photo.id in test
            build.write([photo], trained=not scored and options.train != "none", scored=scored)
    complete = len(names) == len(LABELLED)
    subset = "" if complete else f"a subset: {len(names)} of {len(LABELLED)} labelled tiles; "
    return f"{subset}scored blocks drawn by this project, not STEGO's", complete


def _cut(tiles: Tiles, name: str, options: PotsdamRgbOptions) -> list[ReadPhoto]:
    classes = partial(classes_of_colours, palette=COLOURS, tolerance=options.tolerance)
    cut = read_blocks(tiles, name, side=options.tile, block=options.block, classes=classes)
    return [_enlarged(photo, options) if isinstance(photo, StoredPhoto) else photo for photo in cut]


def _enlarged(photo: StoredPhoto, options: PotsdamRgbOptions) -> StoredPhoto:
    assert photo.labels is not None
    image = options.scaled_photo(photo.image[..., :3].copy())
    return replace(photo, image=image, labels=options.scaled_labels(photo.labels.copy()))


def _summary(build: StoreBuild, split: str) -> dict[str, str]:
    return {
        "photos": f"{len(build.ids)}, {len(build.trained)} to train on, {len(build.scored)} scored",
        "split": split,
        "ids": f"SHA-256 {ids_sha256(build.ids)}",
        **build.balance.summary(),
    }
