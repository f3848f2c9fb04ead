"""Anyone's own photos: a folder of photos, and label maps for all, some or none of them."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared
from infoseg_bench.data.view import cluster_names
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.preparation.label_coding import LabelCoding, coding_of_names
from infoseg_bench.preparation.labelled_photos import LabelledPhotos, match_labels
from infoseg_bench.preparation.preparation import finish, plain_view, store_attributes, store_path
from infoseg_bench.preparation.share_rule import ShareRule
from infoseg_bench.preparation.statistics import ClassBalance
from infoseg_bench.utils.parallel import ordered_map
from infoseg_bench.utils.progress import ProgressFactory

MOST_CLUSTERS = 254
"""Cluster numbers are kept in 8 bits, two of whose values stand for void and unlabelled pixels."""
CLASS_MAPS = Path(__file__).with_name("class_maps")
"""The class maps that come with the package."""


class ImageFolderOptions(Parameters):
    """Options of `prepare image-folder`."""

    name: str = Field(description="name of the data set: lower-case letters, digits and dashes")
    images: Path = Field(description="folder of the photos, all of which are trained on")
    labels: Path | None = parameter(
        None,
        "folder of label PNGs named as their photos; those photos are evaluated",
        source="chosen by this project",
    )
    clusters: int | None = parameter(
        None,
        "number of clusters, for photos without any labels: nothing is scored, the segments are shown",
        source="chosen by this project",
        ge=2,
        le=MOST_CLUSTERS,
    )
    classes: str | None = parameter(
        None,
        "class names separated by commas; label value i is the i-th, from 0",
        source="chosen by this project",
    )
    class_map: str | None = parameter(
        None,
        "a TOML file that maps label values to classes, or coco-stuff-15 or coco-stuff-3",
        source="chosen by this project",
    )
    evaluate_if: str | None = parameter(
        None,
        "evaluate only photos whose centre crop follows a rule such as 'person >= 0.2' (share of its pixels)",
        source="chosen by this project",
    )
    crop: int = parameter(128, "side of the square crops in pixels, after scaling", source="PAPER 5.3", ge=8)
    scale: float = parameter(
        1.0,
        "scale photos and labels by this first; COCO's published scale is 0.33",
        source="chosen by this project",
        gt=0,
        le=4,
    )
    void: str = parameter(
        "255",
        "label values that are never scored, separated by commas; with --classes",
        source="chosen by this project",
    )
    title: str = parameter(
        "", "name of the data set for people; without it, --name", source="chosen by this project"
    )

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) is None:
            raise UsageError(f"--name {name!r}: use lower-case letters and digits, joined by single dashes")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> ImageFolderOptions:
        if sum(value is not None for value in (self.clusters, self.classes, self.class_map)) != 1:
            raise UsageError(
                "image-folder needs one of --clusters N (photos without labels), --classes NAMES or "
                "--class-map MAP: give exactly one of them"
            )
        if self.clusters is not None and self.labels is not None:
            raise UsageError(
                "--clusters is for photos without labels: name the classes of --labels with --classes or "
                "--class-map, or leave --labels out"
            )
        if self.class_map is not None and self.void != "255":
            raise UsageError(
                "--void goes with --classes: with --class-map, the map's own list says what is void"
            )
        if self.evaluate_if is not None and self.labels is None:
            raise UsageError("--evaluate-if needs labels: give their folder with --labels")
        return self


class ImageFolder(DatasetRecipe):
    """Any folder of photos. Training uses all of them, evaluation those that have a label map.

    Photos are turned upright (EXIF), so label maps must be drawn on the upright photo. With
    `--clusters N` and no label maps, nothing is scored: methods find N clusters, which have numbers
    instead of names.
    """

    name = "image-folder"
    title = "Your own photos"
    citation = ""
    licence = "that of the photos"
    how_to_get = "infoseg-bench prepare image-folder --name NAME --images DIR --clusters N (or see --help)"
    options_type = ImageFolderOptions

    def prepare(self, options: Parameters, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/NAME.h5`.

        Raises:
            UserError: files that do not fit together, with the file and the remedy
        """
        from infoseg_bench.data.writer import StoreWriter

        assert isinstance(options, ImageFolderOptions)
        coding = _coding(options)
        text, crop = options.evaluate_if, options.crop
        rule = None if text is None else ShareRule.parse(text, coding.classes, crop)
        photos = match_labels(options.images, options.labels, coding=coding, scale=options.scale)
        path = store_path(data, options.name, self)
        title = options.title or options.name
        attributes = store_attributes(self, options, title=title)
        attributes["options"]["class_map"] = options.class_map and Path(options.class_map).name
        balance = ClassBalance(coding.classes, crop)
        with StoreWriter(path, channels=3, attributes=attributes) as writer:
            evaluated = _write_photos(photos, rule, balance, writer, progress)
            summary = {
                "photos": f"{len(photos.paths)}, all for training",
                "labelled": str(len(photos.labels)),
                "evaluated": str(len(evaluated)),
                **balance.summary(),
            }
            view = plain_view(
                self,
                coding.classes,
                photos=len(photos.paths),
                crop=crop,
                evaluation=evaluated,
                name=options.name,
                title=title,
                palette=coding.palette,
                note="" if text is None else f"evaluated: photos with {text} within the centre crop",
            )
            return finish(writer, [view], summary)


def _coding(options: ImageFolderOptions) -> LabelCoding:
    if options.clusters is not None:
        return coding_of_names(",".join(cluster_names(options.clusters)), options.void)
    if options.class_map is not None:
        return read_class_map(options.class_map, CLASS_MAPS)
    return coding_of_names(options.classes or "", options.void)


def _write_photos(
    photos: LabelledPhotos,
    rule: ShareRule | None,
    balance: ClassBalance,
    writer: Any,
    progress: ProgressFactory,
) -> list[int]:
    """Write every photo, and give the indices of those to evaluate, which are counted in `balance`."""
    evaluated = []
    with closing(ordered_map(photos.read, photos.paths, progress, "photos")) as pairs:
        for index, (image, labels) in enumerate(pairs):
            writer.add(photos.paths[index].stem, image, labels)
            if labels is not None and (rule is None or rule.accepts(labels)):
                evaluated.append(index)
                balance.add(labels)
    if rule is not None and not evaluated:
        raise UserError(
            "no labelled photo follows --evaluate-if: choose another share, or leave the rule out"
        )
    return evaluated
