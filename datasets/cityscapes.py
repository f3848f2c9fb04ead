"""Cityscapes with 27 classes, from its official archives, as PiCIE and STEGO score it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared, SourceFile
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.view import label_table
from infoseg_bench.errors import FileError, UserError, first_few
from infoseg_bench.images.photos import open_photo
from infoseg_bench.preparation.archive import Archive
from infoseg_bench.preparation.building import read_in_parts
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.preparation.label_coding import LabelCoding
from infoseg_bench.preparation.label_survey import finding_of
from infoseg_bench.preparation.preparation import expect, source_folder
from infoseg_bench.preparation.shorter_side import ShorterSideOptions
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.source_files import FolderFiles, OfficialFile
from infoseg_bench.utils.text import plural

REGISTER = "https://www.cityscapes-dataset.com/downloads/"
"""Download page for registered users."""

PHOTOS = SourceFile(
    name="leftImg8bit_trainvaltest.zip", address=REGISTER, unpacked="leftImg8bit", by_hand=True
)
LABELS = SourceFile(name="gtFine_trainvaltest.zip", address=REGISTER, unpacked="gtFine", by_hand=True)
EXTRA = SourceFile(name="leftImg8bit_trainextra.zip", address=REGISTER, unpacked="leftImg8bit", by_hand=True)

PHOTO, LABEL = "_leftImg8bit.png", "_gtFine_labelIds.png"
"""Endings of the file names; the part before is the photo's id."""

SPLITS = {"train": 2_975, "val": 500, "test": 1_525, "train_extra": 19_998}
"""Number of photos per split (cityscapesScripts README.md)."""

TRAINED = {"stego": ("train",), "picie": ("test", "train_extra"), "none": ()}
"""Splits to train on, by `--train` (STEGO src/data.py:330-339; PiCIE data/cityscapes_train_dataset.py:33)."""

SCORED = {"val": ("val",), "val+train": ("val", "train")}
"""Splits to score, by `--scored` (STEGO src/data.py:335-339; PiCIE data/cityscapes_eval_dataset.py:60-63)."""


class CityscapesOptions(ShorterSideOptions):
    """Options of `prepare cityscapes`."""

    source: Path | None = parameter(
        None,
        "folder with leftImg8bit and gtFine, as folders or zip files; without it, downloads/ below the data",
        source="chosen by this project",
    )
    train: Literal["stego", "picie", "none"] = parameter(
        "stego",
        "photos to train on: the 2 975 of split train, as in STEGO's code, those of test and train_extra, as "
        "in PiCIE's, or none, for a small store that can only be scored",
        source="STEGO src/data.py:330-339; picie: PiCIE data/cityscapes_train_dataset.py:33",
    )
    scored: Literal["val", "val+train"] = parameter(
        "val",
        "photos to score: the 500 of split val, as in STEGO's code, or also those of train, as in PiCIE's",
        source="STEGO src/data.py:335-339; val+train: PiCIE data/cityscapes_eval_dataset.py:60-63",
    )


class Cityscapes(DatasetRecipe[CityscapesOptions]):
    """Cityscapes with its 27 classes outside the void group; all other ids are void."""

    name = "cityscapes"
    sizes = (3, 320, 27)
    title = "Cityscapes (27 classes)"
    citation = "Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016"
    licence = "Cityscapes: non-commercial research, registration required, no redistribution"
    how_to_get = (
        f"infoseg-bench prepare cityscapes --source DIR, with {PHOTOS.name} and {LABELS.name} in DIR; "
        f"register at {REGISTER}"
    )
    sources = (PHOTOS, LABELS)

    @classmethod
    def needed(cls, options: CityscapesOptions) -> tuple[SourceFile, ...]:
        """Return the archives to read; PiCIE's training photos need a third one."""
        return (*cls.sources, EXTRA) if options.train == "picie" else cls.sources

    @classmethod
    def expected(cls, options: CityscapesOptions) -> Expected:
        """Return the sizes of the splits."""
        photos, scored = (
            sum(SPLITS[split] for split in splits)
            for splits in (TRAINED[options.train], SCORED[options.scored])
        )
        return Expected(classes=27, channels=3, crop=options.crop, photos=photos, scored=scored)

    def prepare(self, options: CityscapesOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/cityscapes.h5`, one split after the other.

        Raises:
            UserError: files are missing or are not the official ones
        """
        files = CityscapesFiles.find(source_folder(options.source, data))
        coding = read_class_map("cityscapes-27", Path(__file__).parent / "class_maps")
        reader = _Reader(options=options, coding=coding)
        trained, scored = TRAINED[options.train], SCORED[options.scored]
        lines, there = {"files": files.summary()}, 0
        build = StoreBuild(
            self, options, data, classes=coding.classes, crop=options.crop, skip_broken=options.skip_broken
        )
        with build:
            for split in dict.fromkeys((*scored, *trained)):
                photos = files.of(split, labelled=split in scored)
                there += len(photos) == SPLITS[split]
                parts = read_in_parts(
                    photos, reader.read, identity=lambda photo: photo.identity, cache=build.cache,
                    photo_pixels=options.photo_pixels, progress=progress,
                )  # fmt: skip
                with closing(parts):
                    for part in parts:
                        build.write(part, trained=split in trained, scored=split in scored)
            build.check(files.root)
            subset = there < len({*scored, *trained})
            if not subset and not build.faults:
                counts = {"scored photos": (len(build.scored), sum(SPLITS[split] for split in scored))}
                lines |= expect(self, build.balance, counts)
            lines |= {"photos": _counts(build), "ids": f"SHA-256 {ids_sha256(build.ids)}"}
            table = label_table(len(coding.classes))
            note = _note(options, subset=subset)
            tables = {"corrected": table, "published": table}
            view = build.view(tables=tables, palette=coding.palette, note=note)
            return build.finish([view], {**lines, **build.balance.summary()})


@dataclass(frozen=True, kw_only=True)
class CityPhoto:
    """A photo, with its fine label map if it has one."""

    id: str
    photo: OfficialFile
    labels: OfficialFile | None

    @property
    def identity(self) -> str:
        """A text that identifies the contents of the files."""
        return f"{self.photo.identity} {self.labels.identity if self.labels else ''}"


@dataclass(frozen=True, kw_only=True)
class CityscapesFiles:
    """The photos and label maps below a folder, by split and id."""

    root: Path
    photos: Mapping[tuple[str, str], OfficialFile]
    labels: Mapping[tuple[str, str], OfficialFile]

    @classmethod
    def find(cls, root: Path) -> CityscapesFiles:
        """Find the files, unpacked or in archives.

        Raises:
            UserError: there are no photos or no label maps
        """
        photos = _by_id(_files(root, (PHOTOS, EXTRA)), PHOTO)
        labels = _by_id(_files(root, (LABELS,)), LABEL)
        for found, source in ((photos, PHOTOS), (labels, LABELS)):
            if not found:
                raise UserError(
                    f"{root}: no {source.name} and no {source.unpacked}/SPLIT/CITY here: register at "
                    f"{REGISTER} and put it, zipped or unpacked, into {root}"
                )
        return cls(root=root, photos=photos, labels=labels)

    def of(self, split: str, *, labelled: bool) -> list[CityPhoto]:
        """Return the photos of a split, ordered by id; the test split has no real label maps.

        Raises:
            UserError: the split has no photos, or `labelled` is True and a photo has no label map
        """
        keys = sorted(key for key in self.photos if key[0] == split)
        without = [key for key in keys if key not in self.labels]
        if labelled and without:
            missing = first_few([name for _, name in without])
            raise UserError(
                f"{self.root}: no label map of {plural(len(without), 'photo')} of {split} ({missing}): "
                f"get {LABELS.name}"
            )
        if not keys:
            source = EXTRA if split == "train_extra" else PHOTOS
            raise UserError(f"{self.root}: no photo of the split {split}: get {source.name}")
        maps = {} if split == "test" else self.labels
        return [CityPhoto(id=key[1], photo=self.photos[key], labels=maps.get(key)) for key in keys]

    def summary(self) -> str:
        """Return the numbers of files, as text."""
        return f"{len(self.photos)} photos, {len(self.labels)} label maps"


@dataclass(frozen=True, kw_only=True)
class _Reader:
    options: CityscapesOptions
    coding: LabelCoding

    def read(self, item: CityPhoto) -> StoredPhoto:
        photo = open_photo(item.photo, upright=False)
        coded = None if item.labels is None else self.coding.read(item.labels)
        if coded is not None and coded.stored.shape != photo.pixels.shape[:2]:
            sides, (height, width) = coded.stored.shape, photo.pixels.shape[:2]
            sizes = f"{sides[1]}x{sides[0]} pixels, but its photo has {width}x{height} ({item.photo})"
            kind = "label map of another size than its photo"
            raise FileError(item.labels, kind, "get both again", sizes, sizes)
        return StoredPhoto(
            id=item.id,
            image=self.options.scaled_photo(photo.pixels),
            labels=None if coded is None else self.options.scaled_labels(coded.stored),
            finding=replace(finding_of(item.photo, photo, item.labels, coded, small=False), turned=False),
        )


def _files(root: Path, sources: Sequence[SourceFile]) -> Iterator[OfficialFile]:
    """Yield the files SPLIT/CITY/FILE in the archives and in unpacked folders."""
    for source in sources:
        archive = root / source.name
        if archive.is_file():
            files = Archive(archive).everywhere()
            yield from (files.file(name) for name in files.names)
    # In PiCIE's layout, label maps are in annotations/ (PiCIE data/cityscapes_eval_dataset.py:72).
    for folder in {source.unpacked for source in sources} | {f"annotations/{sources[0].unpacked}"}:
        for city in sorted(path for path in (root / folder).glob("*/*") if path.is_dir()):
            files_of_city = FolderFiles(city)
            yield from (files_of_city.file(name) for name in sorted(files_of_city.names))


def _by_id(files: Iterator[OfficialFile], ending: str) -> dict[tuple[str, str], OfficialFile]:
    """Return the files with an ending, by split and id; unpacked files come last and take precedence."""
    places = ((file, file.files.place(file.name)) for file in files if file.name.endswith(ending))
    return {(place.parts[-3], file.name.removesuffix(ending)): file for file, place in places}


def _counts(build: StoreBuild) -> str:
    return f"{len(build.ids)}, {len(build.trained)} to train on, {len(build.scored)} scored"


def _note(options: CityscapesOptions, *, subset: bool) -> str:
    notes = [
        "a subset of the official files" if subset else "",
        "no photos to train on" if options.train == "none" else "",
        "trained on test and train_extra" if options.train == "picie" else "",
        "scored on val and train" if options.scored == "val+train" else "",
        options.pixel_note,
    ]
    return "; ".join(note for note in notes if note)
