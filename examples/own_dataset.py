"""Your own data set in one file: photos with polygons drawn in LabelMe, with one JSON file per photo.

    infoseg-bench prepare --plugin examples/own_dataset.py labelme --folder photos/ --classes background,cat
    infoseg-bench run --plugin examples/own_dataset.py --dataset labelme --method kmeans

Photos without a JSON file are used for training, but not scored. Label maps as PNG files need no recipe: see
`infoseg-bench prepare image-folder`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.errors import UserError
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory


class LabelMeOptions(Parameters):
    """Every field becomes an option of `infoseg-bench prepare labelme`."""

    folder: Path = parameter(..., "folder of the photos and their JSON files", source="the user")
    classes: str = parameter(
        ..., "class names separated by commas; the first is the background", source="the user"
    )
    crop: int = parameter(64, "side of the square crops in pixels", source="an example", gt=0)


class LabelMe(DatasetRecipe[LabelMeOptions]):
    """Builds a data set from photos with polygons."""

    name = "labelme"
    title = "Photos labelled with LabelMe"
    citation = "your own photos"
    licence = "that of the photos"
    how_to_get = "infoseg-bench prepare labelme --folder DIR --classes background,NAME,..."

    def prepare(self, options: LabelMeOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Build the store; `StoreBuild` writes it completely or not at all."""
        classes = tuple(options.classes.split(","))
        photos = sorted(path for path in options.folder.iterdir() if path.suffix.lower() in (".jpg", ".png"))
        if not photos:
            raise UserError(f"{options.folder}: no .jpg or .png photos: use another --folder")
        with StoreBuild(self, options, data, classes=classes, crop=options.crop) as build:
            for photo in progress(photos, "reading photos"):
                with Image.open(photo) as opened:
                    pixels = np.asarray(opened.convert("RGB"))
                labels = polygons(photo.with_suffix(".json"), classes, pixels.shape[:2])
                build.write([StoredPhoto(id=photo.stem, image=pixels, labels=labels)])
            summary = {"photos": f"{len(photos)}, {build.labelled} of them labelled"}
            return build.finish([build.view()], summary)


def polygons(file: Path, classes: tuple[str, ...], size: tuple[int, ...]) -> np.ndarray | None:
    """Return labels with the polygons of a LabelMe file, later ones over earlier ones; None if missing."""
    if not file.exists():
        return None
    labels = Image.new("L", (size[1], size[0]), 0)
    for shape in json.loads(file.read_text())["shapes"]:
        if shape["label"] not in classes:
            raise UserError(f"{file}: unknown class {shape['label']!r}: add it to --classes, or remove it")
        corners = [tuple(point) for point in shape["points"]]
        ImageDraw.Draw(labels).polygon(corners, fill=classes.index(shape["label"]))
    return np.asarray(labels)
