"""Potsdam (6 classes) and Potsdam-3: one store of the ISPRS 2D Potsdam tiles, halved and cut into blocks."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from pydantic import model_validator

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared
from infoseg_bench.data.view import VOID, View, label_table
from infoseg_bench.datasets.potsdam.blocks import read_blocks
from infoseg_bench.datasets.potsdam.cutting import STRAY, classes_of_colours
from infoseg_bench.datasets.potsdam.tiles import IMAGES, LABELS, REQUEST, Tiles
from infoseg_bench.errors import UsageError, first_few
from infoseg_bench.preparation.preparation import expect, skip_broken_option, source_folder
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.text import plural

CLASSES = ("road", "building", "low vegetation", "tree", "car", "clutter")
COLOURS = ((255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0))
"""Colours of the classes in the label tiles (IIC util/potsdam_prepare.py:142-148)."""

CLASSES_3 = ("road and car", "building and clutter", "vegetation")
COLLAPSE = {0: 0, 4: 0, 1: 1, 5: 1, 2: 2, 3: 2}
"""Map from 6 to 3 classes (IIC code/datasets/segmentation/potsdam.py:417-421)."""
COLOURS_3 = ((255, 255, 255), (0, 0, 255), (0, 255, 0))
"""Colours of the 3 classes: each that of the first class merged into it; chosen by this project."""


class PotsdamOptions(Parameters):
    """Options of `prepare potsdam` and `prepare potsdam-3`."""

    source: Path | None = parameter(
        None,
        "folder with 4_Ortho_RGBIR and 5_Labels_for_participants, as folders or zip files; without it, "
        "downloads/ below the data",
        source="chosen by this project",
    )
    tile: int = parameter(
        6000, "side of the official tiles in pixels", source="IIC util/potsdam_prepare.py:54-69", ge=16
    )
    crop: int = parameter(200, "side of the blocks in pixels, after halving", source="PAPER 5.3", ge=8)
    tolerance: int = parameter(
        32,
        "largest difference in any channel at which a label colour still counts as that of a class; the "
        "published code accepts exact colours only",
        source="chosen by this project",
        ge=0,
        le=127,
    )

    skip_broken: bool = skip_broken_option()

    @model_validator(mode="after")
    def _consistent(self) -> PotsdamOptions:
        if self.tile % (2 * self.crop):
            raise UsageError(
                f"--tile {self.tile}: not a multiple of twice the --crop of {self.crop}: choose another crop"
            )
        return self


class Potsdam(DatasetRecipe[PotsdamOptions]):
    """Build Potsdam: all blocks for training, those of 24 labelled tiles for evaluation; clutter is scored.

    Photos have red, green, blue and infrared. `prepare potsdam` and `prepare potsdam-3` build the same
    store, which contains both data sets.
    """

    name = "potsdam"
    sizes = (4, 200, len(CLASSES))
    title = "Potsdam (6 classes)"
    citation = "ISPRS 2D Semantic Labeling Contest, Potsdam (Rottensteiner et al., ISPRS Annals I-3, 2012)"
    licence = "ISPRS: research only, registration required, no redistribution"
    how_to_get = (
        f"infoseg-bench prepare potsdam --source DIR, with {IMAGES.name} and {LABELS.name} in DIR; "
        f"request them at {REQUEST}"
    )
    sources = (IMAGES, LABELS)

    @classmethod
    def expected(cls, options: PotsdamOptions) -> Expected:
        """Return the sizes: blocks of 38 tiles, those of 24 labelled ones scored (protocol 1.6)."""
        blocks = (options.tile // (2 * options.crop)) ** 2
        return Expected(
            classes=len(_VIEWS[cls.name]),
            channels=4,
            crop=options.crop,
            photos=38 * blocks,
            scored=24 * blocks,
        )

    def prepare(self, options: PotsdamOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/potsdam.h5`, one tile in memory at a time.

        Raises:
            UserError: tiles are missing or are not the official ones
        """
        tiles = Tiles.find(source_folder(options.source, data))
        recipe, crop, table = Potsdam(), options.crop, _table(len(CLASSES))
        build = StoreBuild(
            recipe, options, data, classes=CLASSES, crop=crop, table=table, channels=4,
            skip_broken=options.skip_broken,
        )  # fmt: skip
        with build:
            for name in progress(tiles.names, "tiles"):
                read = partial(
                    read_blocks, tiles, name, side=options.tile, block=crop,
                    classes=partial(classes_of_colours, palette=COLOURS, tolerance=options.tolerance),
                )  # fmt: skip
                build.write(build.cache.photos(tiles.identity(name), read))
            build.check(tiles.root)
            summary = _summary(tiles, build)
            if not tiles.missing and not build.faults:
                blocks = (options.tile // (2 * options.crop)) ** 2
                counts = {"photos": (len(build.ids), 38 * blocks), "labelled": (build.labelled, 24 * blocks)}
                summary |= expect(recipe, build.balance, counts)
            views = [_view(recipe, build, tiles) for recipe in (Potsdam, Potsdam3)]
            return build.finish(views, summary, tiles.warnings())


class Potsdam3(Potsdam):
    """The same blocks with 3 classes."""

    name = "potsdam-3"
    sizes = (4, 200, len(CLASSES_3))
    title = "Potsdam-3 (3 classes)"
    how_to_get = Potsdam.how_to_get.replace("prepare potsdam", "prepare potsdam-3")


_VIEWS = {Potsdam.name: CLASSES, Potsdam3.name: CLASSES_3}


def _table(classes: int) -> np.ndarray:
    collapse = COLLAPSE if classes == len(CLASSES_3) else {index: index for index in range(classes)}
    near = {STRAY + index: cls for index, cls in collapse.items()}
    return label_table(classes, {**collapse, **near})


def _view(recipe: type[Potsdam], build: StoreBuild, tiles: Tiles) -> View:
    classes = _VIEWS[recipe.name]
    table = _table(len(classes))
    return build.view(
        classes,
        name=recipe.name,
        title=recipe.title,
        tables={"corrected": table, "published": table},
        palette=COLOURS if classes == CLASSES else COLOURS_3,
        note=f"a subset: {len(tiles.missing)} of 62 official files are missing" if tiles.missing else "",
    )


def _summary(tiles: Tiles, build: StoreBuild) -> dict[str, str]:
    stored = build.balance.stored
    lines = {
        "files": f"{len(tiles.names)} of 38 tiles, {len(tiles.labels)} of 24 label tiles",
        "photos": f"{len(build.ids)}, of which {build.labelled} are labelled and scored",
        "ids": f"SHA-256 {ids_sha256(build.ids)}",
        "stray label colours": f"{stored[STRAY : STRAY + len(CLASSES)].sum()} pixels close to the colour of "
        f"a class, {stored[VOID]} close to none (void)",
    }
    if tiles.left_out:
        lines["left out"] = (
            f"{plural(len(tiles.left_out), 'file')} of other names ({first_few(tiles.left_out)})"
        )
    if tiles.missing:
        lines["missing"] = first_few(tiles.missing)
    for name, classes in _VIEWS.items():
        seen = build.balance.through(classes, _table(len(classes))).summary()
        lines.update({f"{name}: {key}": line for key, line in seen.items()})
    return lines
