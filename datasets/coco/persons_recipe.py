"""COCO-Persons, reconstructed: the COCO photos with the largest persons, labelled person or background.

The paper's list of 15 399 photos (PAPER 5.3) was never published. Here they are the photos of train2017 and
val2017 with the largest share of person pixels inside the 128x128 centre crop of the photo scaled by 0.33.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pydantic import model_validator

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared
from infoseg_bench.datasets.coco.archives import ANNOTATIONS, TRAIN_PHOTOS, VAL_PHOTOS
from infoseg_bench.datasets.coco.files import CocoFiles
from infoseg_bench.datasets.coco.manifest import manifest_beside
from infoseg_bench.datasets.coco.person_pixels import PersonPixels
from infoseg_bench.datasets.coco.persons_choice import Choice, choose, rebuild
from infoseg_bench.datasets.coco.persons_options import CocoOptions
from infoseg_bench.datasets.coco.reading import read_person_annotations
from infoseg_bench.errors import UsageError
from infoseg_bench.preparation.build_cache import BuildCache
from infoseg_bench.preparation.building import read_in_parts
from infoseg_bench.preparation.preparation import expect, source_folder
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory

CLASSES = ("background", "person")
"""PAPER 5.3: person against non-person, K = 2."""


class CocoPersonsOptions(CocoOptions):
    """Options of `prepare coco-persons`."""

    photos: int = parameter(15_399, "number of photos to select from complete COCO", source="PAPER 5.3", ge=1)
    min_share: float = parameter(
        0.2,
        "smallest share of person pixels within the crop, used if COCO is not complete",
        source="chosen by this project: near the whole-image threshold that gives 15 399 photos",
        ge=0,
        le=1,
    )
    max_share: float = parameter(
        0.8,
        "largest share of person pixels within the crop; above it, hardly any background is left",
        source="chosen by this project: leaves out about 1 photo in 100, and makes the classes of the "
        "selection balance",
        ge=0,
        le=1,
    )
    crowds: bool = parameter(
        True, "label crowds of persons as person; otherwise they are void", source="chosen by this project"
    )
    manifest: Path | None = parameter(
        None, "rebuild exactly the selection of this manifest CSV", source="chosen by this project"
    )

    @model_validator(mode="after")
    def _consistent(self) -> CocoPersonsOptions:
        if self.min_share > self.max_share:
            raise UsageError(
                f"--min-share {self.min_share} is above --max-share {self.max_share}: no photo can have both"
            )
        return self


class CocoPersons(DatasetRecipe[CocoPersonsOptions]):
    """Reconstruct the paper's COCO-Persons from COCO's official files."""

    name = "coco-persons"
    sizes = (3, 128, 2)
    title = "COCO-Persons (reconstructed)"
    citation = "Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv:1405.0312"
    licence = "annotations CC BY 4.0; every photo under its own Flickr licence, named in the manifest"
    how_to_get = "infoseg-bench prepare coco-persons (downloads 19 GiB, or uses what is in --source DIR)"
    sources = (ANNOTATIONS, TRAIN_PHOTOS, VAL_PHOTOS)
    working_space = 5 << 30

    @classmethod
    def expected(cls, options: CocoPersonsOptions) -> Expected:
        """Return the size of the selection from complete COCO (PAPER 5.3)."""
        return Expected(
            classes=len(CLASSES), channels=3, crop=options.crop, photos=options.photos, scored=options.photos
        )

    def prepare(self, options: CocoPersonsOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/coco-persons.h5` and, next to it, `coco-persons.manifest.csv`.

        Raises:
            UserError: unsuitable files; the message names the file and the remedy
        """
        build = StoreBuild(
            self, options, data, classes=CLASSES, crop=options.crop, skip_broken=options.skip_broken
        )
        manifest = data / f"{self.name}.manifest.csv"
        source = CocoFiles(source_folder(options.source, data))
        pixels = PersonPixels(
            files=source.photos(),
            annotations=read_person_annotations(source, progress),
            options=options,
            crowds=options.crowds,
        )
        build.faults += pixels.annotations.faults
        if build.faults and not options.skip_broken:
            build.check(source.root)
        choice = _choice(options, pixels, source, build.cache, progress)
        with build:
            _write_photos(pixels, choice, build, progress)
            build.check(source.root)
            written = set(build.ids)
            rows = [
                pixels.manifest_row(photo, choice.pixels[photo.id])
                for photo in choice.photos
                if f"{photo.id:012d}" in written
            ]
            expected = {"photos": (len(rows), options.photos)}
            summary = {
                **choice.summary,
                **(expect(self, build.balance, expected) if choice.complete and not build.faults else {}),
                "photos": f"{len(rows)}, all labelled",
                "ids": f"SHA-256 {ids_sha256(f'{row.id:012d}' for row in rows)}",
                **build.balance.summary(),
                "manifest": f"{manifest.name}, beside the store",
            }
            note = "; ".join(word for word in (choice.note, options.pixel_note) if word)
            with manifest_beside(manifest, rows):
                return build.finish([build.view(note=note)], summary)


def _choice(
    options: CocoPersonsOptions,
    pixels: PersonPixels,
    source: CocoFiles,
    cache: BuildCache,
    progress: ProgressFactory,
) -> Choice:
    if options.manifest is not None:
        return rebuild(pixels, source, options.manifest, cache=cache, progress=progress)
    return choose(
        pixels,
        source,
        photos=options.photos,
        min_share=options.min_share,
        max_share=options.max_share,
        cache=cache,
        progress=progress,
    )


def _write_photos(pixels: PersonPixels, choice: Choice, build: StoreBuild, progress: ProgressFactory) -> None:
    groups = read_in_parts(
        choice.photos,
        pixels.read,
        identity=pixels.identity,
        cache=build.cache,
        photo_pixels=pixels.options.photo_pixels,
        progress=progress,
    )
    with closing(groups):
        for group in groups:
            build.write(group)
