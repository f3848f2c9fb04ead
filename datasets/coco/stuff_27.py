"""COCO-Stuff-27: 12 thing and 15 stuff classes, on the photos that PiCIE and STEGO score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared, SourceFile
from infoseg_bench.datasets.coco.archives import LABEL_MAPS, TRAIN_PHOTOS, VAL_PHOTOS
from infoseg_bench.datasets.coco.files import CocoFiles
from infoseg_bench.datasets.coco.published_lists import PublishedList
from infoseg_bench.datasets.coco.stuff import ListRule, StuffFiles, StuffPhoto, StuffReader, label_tables
from infoseg_bench.datasets.coco.stuff_build import StuffBuild, difference
from infoseg_bench.datasets.coco.stuff_list import CLASS_MAPS, ListDiffersError
from infoseg_bench.datasets.coco.stuff_recipe import FULL_STUFF_7
from infoseg_bench.errors import UserError
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.preparation.preparation import downloads, expect, source_folder
from infoseg_bench.preparation.shorter_side import ShorterSideOptions
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory

FULL_STUFF = PublishedList(
    name="Coco164kFull_Stuff_Coarse",
    counts={"train2017": 97_702, "val2017": 4_172},
    sha256={
        "train2017": "277a78bf32835ab0c3f5f009bb93cda0d71300527fc6a2e738e9b20fe756acda",
        "val2017": "5d8ff03b25dfa5c3c8ae66a4a40894eedb51347c48692cd91ec37f7d5958d2be",
    },
)
"""The list that STEGO's code names (STEGO src/data.py:244-245), with the ids of PiCIE's first commit."""

SCORED = FULL_STUFF_7.of("val2017")
"""List of the scored photos (PiCIE data/coco_eval_dataset.py:47; STEGO src/data.py:248-249, 483-484)."""

TRAINED = {"picie": FULL_STUFF_7.of("train2017"), "stego": FULL_STUFF.of("train2017")}
"""Lists of training photos, by `--train` (PiCIE data/coco_train_dataset.py:43; STEGO src/data.py:245)."""

SIZES = {"train2017": 118_287, "val2017": 5_000}
"""Number of photos in complete splits (COCO-Stuff README)."""

MIN_SIDE, MIN_SHARE = 360, 0.75
"""Minimum shorter side in pixels and minimum share of stuff of the photos on PiCIE's lists
(IIC util/coco164k_prepare.py:19-25, 84-99)."""


class CocoStuff27Options(ShorterSideOptions):
    """Options of `prepare coco-stuff-27`."""

    source: Path | None = parameter(
        None,
        "folder with COCO's official archives, packed or unpacked; without it, the archives are downloaded",
        source="chosen by this project",
    )
    train: Literal["picie", "stego", "none"] = parameter(
        "picie",
        "photos to train on: the 49 629 of PiCIE's list, the 97 702 of the list that STEGO's code names, or "
        "none, for a small store that can only be scored",
        source="PiCIE data/coco_train_dataset.py:43; STEGO src/data.py:245",
    )


class CocoStuff27(DatasetRecipe[CocoStuff27Options]):
    """COCO-Stuff with all 27 coarse classes; only unlabelled pixels are void."""

    name = "coco-stuff-27"
    sizes = (3, 320, 27)
    title = "COCO-Stuff-27 (12 thing and 15 stuff classes)"
    citation = "Caesar et al., COCO-Stuff: Thing and Stuff Classes in Context, CVPR 2018, arXiv:1612.03716"
    licence = "label maps CC BY 4.0; every photo under its own Flickr licence"
    how_to_get = "infoseg-bench prepare coco-stuff-27 (downloads 19 GiB, or uses what is in --source DIR)"
    sources = (TRAIN_PHOTOS, VAL_PHOTOS, LABEL_MAPS)
    working_space = 54 << 30

    @classmethod
    def needed(cls, options: CocoStuff27Options) -> tuple[SourceFile, ...]:
        """Return the archives to read; that of train2017 is needed only to train."""
        return (VAL_PHOTOS, LABEL_MAPS) if options.train == "none" else cls.sources

    @classmethod
    def expected(cls, options: CocoStuff27Options) -> Expected:
        """Return the sizes of the published lists."""
        photos = 0 if options.train == "none" else TRAINED[options.train].total
        return Expected(classes=27, channels=3, crop=options.crop, photos=photos, scored=SCORED.total)

    def prepare(self, options: CocoStuff27Options, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/coco-stuff-27.h5`: first the scored photos, then the training photos.

        Raises:
            UserError: unsuitable files, or a published list is needed that cannot be fetched
        """
        files = StuffFiles.find(CocoFiles(source_folder(options.source, data)))
        lists = [SCORED] if options.train == "none" else [SCORED, TRAINED[options.train]]
        parts = [_Part.of(published, files) for published in lists]

        def fetched(part: _Part) -> frozenset[str]:
            return frozenset().union(*part.published.fetch(downloads(data), progress).values())

        listed = {part.split: fetched(part) for part in parts if not part.follows_rule}
        build = _Build(recipe=self, options=options, files=files, data=data, progress=progress)
        try:
            return build.build(parts, listed)
        except ListDiffersError as found:
            listed = {part.split: fetched(part) for part in parts}
            differs = difference(found.derived, listed[found.split])
            return build.build(parts, listed, f"by the published list; the rule differs in {differs}")


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The photos of one split, and the published list that selects some of them."""

    split: str
    published: PublishedList
    photos: Sequence[StuffPhoto]

    @classmethod
    def of(cls, published: PublishedList, files: StuffFiles) -> _Part:
        (split,) = published.counts
        photos = [photo for photo in files.photos if photo.split == split]
        return cls(split=split, published=published, photos=photos)

    @property
    def follows_rule(self) -> bool:
        """Whether the rule that makes the list is published."""
        return self.published.name == FULL_STUFF_7.name

    @property
    def complete(self) -> bool:
        return len(self.photos) == SIZES[self.split]


@dataclass(frozen=True, kw_only=True)
class _Build:
    recipe: CocoStuff27
    options: CocoStuff27Options
    files: StuffFiles
    data: Path
    progress: ProgressFactory

    def build(
        self, parts: Sequence[_Part], listed: Mapping[str, frozenset[str]], how: str = "by the rule"
    ) -> Prepared:
        """Build the store; `how` is the text for its summary on how photos were selected.

        Splits with ids in `listed` contain these photos, and the others those that the rule selects.

        Raises:
            ListDiffersError: the rule gives other ids than the published list, on complete data
        """
        classes = read_class_map("coco-stuff-27", CLASS_MAPS)
        tables = label_tables(classes.stored, unlabelled_as=None)
        build = StoreBuild(
            self.recipe,
            self.options,
            self.data,
            classes=classes.classes,
            crop=self.options.crop,
            table=tables["corrected"],
            skip_broken=self.options.skip_broken,
        )
        lines = {"files": self.files.summary(), "scored photos": how}
        with build:
            for part in parts:
                lines |= self._write(part, build, listed.get(part.split))
            build.check(self.files.root)
            if not build.scored:
                raise UserError(
                    f"none of {len(self.files.photos)} photos with label maps is scored: get val2017.zip, "
                    "and label maps of val2017"
                )
            if parts[0].complete and not build.faults:
                counts = {"scored photos": (len(build.scored), SCORED.total)}
                lines |= expect(self.recipe, build.balance, counts)
            view = build.view(tables=tables, note=self._note(parts))
            return build.finish([view], {**lines, **build.balance.summary()})

    def _write(self, part: _Part, build: StoreBuild, listed: frozenset[str] | None) -> dict[str, str]:
        stuff = read_class_map("coco-stuff-15", CLASS_MAPS)
        codes = stuff.stored < len(stuff.classes)
        rule = ListRule(codes=codes, min_side=MIN_SIDE, min_share=MIN_SHARE) if part.follows_rule else None
        photos = part.photos
        if rule is None and listed is not None:
            photos = [photo for photo in photos if photo.id in listed]
        first, scored = len(build.ids), part.published is SCORED
        StuffBuild(
            photos=photos,
            reader=StuffReader(options=self.options, rule=rule),
            listed=listed,
            progress=self.progress,
        ).write(build, trained=not scored, scored=scored)
        ids = build.ids[first:]
        if part.complete and not build.faults and not part.published.is_made_of(part.split, ids):
            if listed is None:
                raise ListDiffersError(ids, part.split)
            raise UserError(f"{part.split}: {len(ids)} photos of {len(listed)} on the list: get the others")
        return {f"ids of {part.split}": f"{len(ids)}, SHA-256 {ids_sha256(ids)}"}

    def _note(self, parts: Sequence[_Part]) -> str:
        subset = not all(part.complete for part in parts)
        notes = [
            f"a subset of {len(self.files.photos)} COCO photos" if subset else "",
            "no photos to train on" if self.options.train == "none" else "",
            "trained on STEGO's list" if self.options.train == "stego" else "",
            self.options.pixel_note,
        ]
        return "; ".join(note for note in notes if note)
