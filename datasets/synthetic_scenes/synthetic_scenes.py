"""Synthetic scenes: computer-generated outdoor photos of sky, plants and ground, for trying out and testing.

Colours are natural: they depend on the class but overlap between classes. With `--palette random`, every
class has a random hue, so that colour says nothing about the class; this tests a method's invariance to
colour. With both palettes, the classes differ in texture (soft clouds, streaks in perspective, leaves),
shape and place.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.datasets.synthetic_scenes.palettes import Palette
from infoseg_bench.errors import UsageError
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory

CLASSES = ("sky", "plant", "ground")
PALETTE = ((86, 180, 233), (0, 158, 115), (230, 159, 0))
"""Sky blue, bluish green and orange of Okabe and Ito (2008), which are safe for the colour-blind."""
NOTE = "Computer-generated scenes for trying and testing: not a benchmark."


class SyntheticScenesOptions(Parameters):
    """Options of `prepare synthetic-scenes`."""

    images: int = parameter(600, "number of images", source="chosen by this project", ge=1, le=100_000)
    seed: int = parameter(0, "seed of every random choice", source="chosen by this project", ge=0)
    size: int = parameter(
        96, "height and width of an image in pixels", source="chosen by this project", ge=48, le=1024
    )
    palette: Palette = parameter(
        "natural",
        "colours of the classes: natural, or random (a random hue each, the only palette of version 1)",
        source="chosen by this project",
    )
    crop: int = parameter(
        64, "side of the crops in pixels, at most `size`", source="chosen by this project", ge=16
    )

    @model_validator(mode="after")
    def _consistent(self) -> SyntheticScenesOptions:
        if self.crop > self.size:
            raise UsageError(
                f"synthetic-scenes.crop={self.crop} is larger than size={self.size}: lower crop or raise size"
            )
        return self


class SyntheticScenes(DatasetRecipe[SyntheticScenesOptions]):
    """Generate the data set of synthetic scenes: it takes seconds, and labels are exact."""

    name = "synthetic-scenes"
    sizes = (3, 64, len(CLASSES))
    title = "Synthetic scenes"
    version = 2
    citation = "infoseg-bench, synthetic-scenes, version 2 (computer-generated)"
    licence = "Apache-2.0"
    republishable = True
    embedded = True
    how_to_get = "infoseg-bench prepare synthetic-scenes (generated in seconds, no download)"

    @classmethod
    def expected(cls, options: SyntheticScenesOptions) -> Expected:
        """Return the sizes of the data set that will be generated."""
        return Expected(
            classes=len(CLASSES), channels=3, crop=options.crop, photos=options.images, scored=options.images
        )

    def prepare(self, options: SyntheticScenesOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Generate `synthetic-scenes.h5` below the folder `data`, replacing an earlier one."""
        from infoseg_bench.datasets.synthetic_scenes.scene import generate_scene

        with StoreBuild(self, options, data, classes=CLASSES, crop=options.crop) as build:
            for index in progress(range(options.images), f"generating {self.name}"):
                image, labels = generate_scene(options.seed, index, options.size, options.palette)
                build.write([StoredPhoto(id=f"scene-{index:06d}", image=image, labels=labels)])
            images = f"{options.images} of {options.size} x {options.size} pixels, {options.palette} colours"
            view = build.view(palette=PALETTE, note=NOTE)
            return build.finish([view], {"images": images, **build.balance.summary()})
