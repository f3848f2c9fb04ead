"""COCO-Persons, reconstructed: the COCO photos that show persons largest, person against background.

The paper's own 15 399 photos (PAPER 5.3) were never published. Here they are those of train2017 and
val2017 with the largest person share inside the 128x128 centre crop of the photo scaled by 0.33.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from infoseg_bench.coco.choice import Choice, choose, rebuild
from infoseg_bench.coco.manifest import manifest_beside
from infoseg_bench.coco.reading import read_person_annotations
from infoseg_bench.coco.selection import PersonPixels
from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared, SourceFile
from infoseg_bench.errors import UsageError
from infoseg_bench.preparing.parallel import ordered_map
from infoseg_bench.preparing.preparation import finish, plain_view, store_attributes, store_path
from infoseg_bench.preparing.statistics import ClassBalance
from infoseg_bench.progress import ProgressFactory

CLASSES = ("background", "person")
"""PAPER 5.3: person against non-person, K = 2."""

ADDRESS = "http://images.cocodataset.org/"
"""Where COCO's own site links its archives."""


class CocoPersonsOptions(Parameters):
    """Options of `prepare coco-persons`."""

    source: Path = Field(
        description="folder with train2017/, val2017/ and annotations/instances_{train,val}2017.json"
    )
    photos: int = parameter(15_399, "photos to select out of complete COCO", source="PAPER 5.3", ge=1)
    min_share: float = parameter(
        0.2,
        "least share of person pixels within the crop, where COCO is not complete",
        source="ours: near the whole-image threshold that gives 15 399 photos",
        ge=0,
        le=1,
    )
    max_share: float = parameter(
        0.8,
        "largest share of person pixels within the crop; beyond it there is nothing to tell a person from",
        source="ours: leaves out about 1 photo in 100, and makes the classes of the selection balance",
        ge=0,
        le=1,
    )
    scale: float = parameter(
        0.33, "scale of photos and labels", source="IIC examples/commands.txt:74", gt=0, le=4
    )
    crop: int = parameter(128, "side of the centre crop in pixels", source="PAPER 5.3", ge=8)
    crowds: bool = parameter(
        True, "count crowds of persons as person; otherwise they are void", source="ours"
    )
    manifest: Path | None = parameter(
        None, "rebuild exactly the selection of this manifest CSV", source="ours"
    )

    @model_validator(mode="after")
    def _consistent(self) -> CocoPersonsOptions:
        if self.min_share > self.max_share:
            raise UsageError(
                f"--min-share {self.min_share} is over --max-share {self.max_share}: no photo can have both"
            )
        return self


class CocoPersons(DatasetRecipe):
    """The reconstruction of the paper's COCO-Persons from COCO's official files."""

    name = "coco-persons"
    title = "COCO-Persons (reconstructed)"
    citation = "Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv:1405.0312"
    licence = "annotations CC BY 4.0; every photo under its own Flickr licence, named in the manifest"
    how_to_get = "infoseg-bench prepare coco-persons --source DIR, with COCO 2017 unpacked in DIR"
    sources = (
        SourceFile(path="annotations", address=ADDRESS + "annotations/annotations_trainval2017.zip"),
        SourceFile(path="train2017", address=ADDRESS + "zips/train2017.zip"),
        SourceFile(path="val2017", address=ADDRESS + "zips/val2017.zip"),
    )
    options_type = CocoPersonsOptions

    def prepare(self, options: Parameters, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/coco-persons.h5` and, beside it, `coco-persons.manifest.csv`.

        Photos stay in their stored frame whatever their EXIF orientation, since COCO's annotations
        are given in it.

        Raises:
            UserError: files that do not fit together, with the file and the remedy
        """
        from infoseg_bench.data.writer import StoreWriter

        assert isinstance(options, CocoPersonsOptions)
        path = store_path(data, self.name, self)
        manifest = data / f"{self.name}.manifest.csv"
        pixels = PersonPixels(
            source=options.source,
            annotations=read_person_annotations(options.source, progress),
            scale=options.scale,
            crop=options.crop,
            crowds=options.crowds,
        )
        choice = _choice(options, pixels, progress)
        rows = [pixels.manifest_row(photo, choice.pixels[photo.id]) for photo in choice.photos]
        with StoreWriter(path, channels=3, attributes=store_attributes(self, options)) as writer:
            balance = _write_photos(pixels, choice, writer, progress)
            summary = {
                **choice.summary,
                "photos": str(len(rows)),
                **balance.summary(),
                "manifest": f"{manifest.name}, beside the store",
            }
            view = plain_view(self, CLASSES, photos=len(rows), crop=options.crop, note=choice.note)
            with manifest_beside(manifest, rows):
                return finish(writer, view, summary)


def _choice(options: CocoPersonsOptions, pixels: PersonPixels, progress: ProgressFactory) -> Choice:
    if options.manifest is not None:
        return rebuild(pixels, options.manifest, progress)
    return choose(
        pixels,
        photos=options.photos,
        min_share=options.min_share,
        max_share=options.max_share,
        progress=progress,
    )


def _write_photos(
    pixels: PersonPixels, choice: Choice, writer: Any, progress: ProgressFactory
) -> ClassBalance:
    balance = ClassBalance(CLASSES, pixels.crop)
    with closing(ordered_map(pixels.read, choice.photos, progress, "photos")) as photos:
        for photo, (image, labels) in zip(choice.photos, photos, strict=True):
            writer.add(f"{photo.id:012d}", image, labels)
            balance.add(labels)
    return balance
