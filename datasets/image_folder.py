"""The user's own photos: a folder of photos, with label maps for all, some or none of them."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field, field_validator, model_validator

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared
from infoseg_bench.contracts.registry import NAME
from infoseg_bench.data.view import cluster_names
from infoseg_bench.errors import FileError, UsageError
from infoseg_bench.images.photo_files import file_id
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.preparation.file_matching import MatchedFiles, chosen_by_list, match_files
from infoseg_bench.preparation.label_coding import LabelCoding, coding_of_names
from infoseg_bench.preparation.labelled_build import LabelledBuild
from infoseg_bench.preparation.labelled_photos import LabelledPhotos
from infoseg_bench.preparation.preparation import skip_broken_option
from infoseg_bench.preparation.share_rule import ShareRule
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory

MOST_CLUSTERS = 254
"""Largest number of clusters: they are stored in 8 bits, with two values for void and unlabelled pixels."""
CLASS_MAPS = Path(__file__).with_name("class_maps")
"""Class maps that come with the package."""


class ImageFolderOptions(Parameters):
    """Options of `prepare image-folder`."""

    name: str = Field(description="name of the data set: lower-case letters, digits and dashes")
    images: Path = Field(
        description="folder of the photos, including its subfolders; all of them are used for training"
    )
    labels: Path | None = parameter(
        None,
        "folder of label PNGs with the names of their photos; these photos are evaluated",
        source="chosen by this project",
    )
    image_suffix: str = parameter(
        "",
        "ending of the photos' names before the file type, such as _leftImg8bit; other files are ignored",
        source="chosen by this project",
    )
    label_suffix: str = parameter(
        "",
        "ending of the label maps' names before the file type, such as _mask; other files are ignored",
        source="chosen by this project",
    )
    only: Path | None = parameter(
        None,
        "text file of photo names, one per line; all other photos are ignored",
        source="chosen by this project",
    )
    skip_broken: bool = skip_broken_option()
    clusters: int | None = parameter(
        None,
        "number of clusters, for photos without any labels: nothing is scored, the segments are shown",
        source="chosen by this project",
        ge=2,
        le=MOST_CLUSTERS,
    )
    classes: str | None = parameter(
        None,
        "class names separated by commas; label value i stands for class i, from 0, unless values or "
        "colours are given: background=0,person=255 or road=#804080,car=#00008e",
        source="chosen by this project",
    )
    class_map: str | None = parameter(
        None,
        "a TOML file that maps label values to classes, or coco-stuff-15, coco-stuff-3, coco-stuff-27 or "
        "cityscapes-27",
        source="chosen by this project",
    )
    train_if: str | None = parameter(
        None,
        "train only on labelled photos whose centre crop satisfies a rule such as 'person >= 0.2'; "
        "leaderboards then show that labels were used for the selection",
        source="chosen by this project",
    )
    evaluate_if: str | None = parameter(
        None,
        "evaluate only photos whose centre crop satisfies a rule such as 'person >= 0.2' (share of its "
        "pixels)",
        source="chosen by this project",
    )
    exif: Literal["apply", "stored"] = parameter(
        "apply",
        "apply: rotate photos by their EXIF orientation; stored: leave them as stored in the file",
        source="chosen by this project",
    )
    crop: int = parameter(128, "side of the square crops in pixels, after scaling", source="PAPER 5.3", ge=8)
    scale: float = parameter(
        1.0,
        "scale photos and labels by this factor first; COCO's published scale is 0.33",
        source="chosen by this project",
        gt=0,
        le=4,
    )
    void: str | None = parameter(
        None,
        "label values or colours that are never scored, separated by commas; only with --classes, by "
        "default 255 unless a class has that value",
        source="chosen by this project",
    )
    title: str = parameter(
        "", "title of the data set in reports; without it, --name", source="chosen by this project"
    )

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if re.fullmatch(NAME, name) is None:
            raise UsageError(f"--name {name!r}: use lower-case letters and digits, joined by single dashes")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> ImageFolderOptions:
        if sum(value is not None for value in (self.clusters, self.classes, self.class_map)) != 1:
            raise UsageError(
                "image-folder needs one of --clusters N (photos without labels), --classes NAMES or "
                "--class-map MAP: use exactly one of them"
            )
        if self.clusters is not None and self.labels is not None:
            raise UsageError(
                "--clusters is for photos without labels: specify the classes of --labels with --classes or "
                "--class-map, or leave out --labels"
            )
        if self.class_map is not None and self.void is not None:
            raise UsageError("--void needs --classes: with --class-map, specify void values in the class map")
        for option, rule in (("--evaluate-if", self.evaluate_if), ("--train-if", self.train_if)):
            if rule is not None and self.labels is None:
                raise UsageError(f"{option} needs labels: specify their folder with --labels")
        return self


class ImageFolder(DatasetRecipe[ImageFolderOptions]):
    """Build a data set from a folder of photos.

    Training uses all photos, evaluation those that have a label map. Photos are rotated by their EXIF
    orientation, so label maps must match the upright photos, unless `--exif stored` is used. With
    `--clusters N` and no label maps, nothing is scored: methods find N clusters, which have numbers
    instead of names.
    """

    name = "image-folder"
    title = "Your own photos"
    citation = ""
    licence = "that of the photos"
    how_to_get = "infoseg-bench prepare image-folder --name NAME --images DIR --clusters N (or see --help)"

    def prepare(self, options: ImageFolderOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/NAME.h5`.

        Raises:
            UserError: unsuitable files; the message names the file and the remedy
        """
        coding = _coding(options)
        found = match_files(
            options.images,
            options.labels,
            image_suffix=options.image_suffix,
            label_suffix=options.label_suffix,
        )
        store = StoreBuild(
            self,
            options,
            data,
            classes=coding.classes,
            crop=options.crop,
            name=options.name,
            title=options.title or options.name,
            skip_broken=options.skip_broken,
            own_classes=True,
            upright=options.exif == "apply",
            nearest=coding.other == "nearest",
            key={"coding": coding.identity},
        )
        store.writer.attributes["options"]["class_map"] = options.class_map and Path(options.class_map).name
        build = _build(options, coding, found, store)
        with store:
            store.faults += [fault for fault in found.faults if _wanted(fault, options, build)]
            build.write(progress)
            store.check(options.images, options.labels)
            build.check()
            view = store.view(
                palette=coding.palette,
                note=_note(options, build),
                label_use="selection" if options.train_if else "",
            )
            summary = {**build.summary(), **found.left_out}
            if store.scored:
                summary |= store.balance.summary()
            else:
                summary["clusters"] = (
                    f"{len(coding.classes)}; without labels nothing is scored, segments are shown"
                )
            return store.finish([view], summary)


def _wanted(fault: FileError, options: ImageFolderOptions, build: LabelledBuild) -> bool:
    """Return whether a fault is in a file of a photo that is listed, if there is a list."""
    if options.only is None:
        return True
    path = Path(str(fault.path))
    given = [folder for folder in (options.images, options.labels) if folder is not None]
    folders = [folder for folder in given if path.is_relative_to(folder)]
    ids = {file_id(path, folder) for folder in folders}
    # The label map of a.jpg may be a.jpg.png.
    ids |= {PurePosixPath(name).with_suffix("").as_posix() for name in ids}
    ids |= {name.removesuffix(end) for name in ids for end in (options.label_suffix, options.image_suffix)}
    return not folders or not ids.isdisjoint(build.photos.photos)


def _coding(options: ImageFolderOptions) -> LabelCoding:
    if options.clusters is not None:
        return coding_of_names(",".join(cluster_names(options.clusters)), options.void)
    if options.class_map is not None:
        return read_class_map(options.class_map, CLASS_MAPS)
    return coding_of_names(options.classes or "", options.void)


def _note(options: ImageFolderOptions, build: LabelledBuild) -> str:
    """Return notes on the selection of photos, to be shown with every score."""
    parts = [
        f"only the {len(build.photos.photos)} photos listed in {options.only.name}" if options.only else "",
        f"trained on: photos with {options.train_if} within the centre crop, chosen by their labels"
        if options.train_if
        else "",
        f"evaluated: photos with {options.evaluate_if} within the centre crop" if options.evaluate_if else "",
    ]
    return "; ".join(part for part in parts if part)


def _build(
    options: ImageFolderOptions, coding: LabelCoding, found: MatchedFiles, store: StoreBuild
) -> LabelledBuild:
    chosen = set(found.photos)
    if options.only is not None:
        chosen = chosen_by_list(options.only, found.photos, "--only")
    upright, crop, classes = options.exif == "apply", options.crop, coding.classes
    photos = LabelledPhotos(
        photos={name: photo for name, photo in found.photos.items() if name in chosen},
        labels={name: labels for name, labels in found.labels.items() if name in chosen},
        coding=coding,
        scale=options.scale,
        upright=upright,
        crop=crop,
    )

    def rule(text: str | None, option: str) -> ShareRule | None:
        return None if text is None else ShareRule.parse(text, classes, crop, option)

    return LabelledBuild(
        photos=photos,
        train_if=rule(options.train_if, "--train-if"),
        evaluate_if=rule(options.evaluate_if, "--evaluate-if"),
        store=store,
    )
