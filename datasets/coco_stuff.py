"""COCO-Stuff (15 classes) and COCO-Stuff-3, from COCO's and COCO-Stuff's official files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from infoseg_bench.coco.files import COMPLETE, CocoFiles
from infoseg_bench.coco.options import CocoOptions
from infoseg_bench.coco.published import PublishedList, read_ids
from infoseg_bench.coco.sources import LABEL_MAPS, TRAIN_PHOTOS, VAL_PHOTOS
from infoseg_bench.coco.stuff import ListRule, StuffFiles, StuffPhoto, StuffReader, label_tables
from infoseg_bench.coco.stuff_build import StuffBuild, by_split, difference, list_summary
from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared
from infoseg_bench.errors import UserError
from infoseg_bench.preparing.class_map import read_class_map
from infoseg_bench.preparing.parts import Parts
from infoseg_bench.preparing.preparation import (
    downloads,
    expect,
    finish,
    plain_view,
    source_folder,
    store_attributes,
    store_key,
    store_path,
)
from infoseg_bench.preparing.statistics import ClassBalance
from infoseg_bench.progress import ProgressFactory

CLASS_MAPS = Path(__file__).with_name("class_maps")

FULL_STUFF_7 = PublishedList(
    name="Coco164kFull_Stuff_Coarse_7",
    counts={"train2017": 49_629, "val2017": 2_175},
    sha256={
        "train2017": "3b837594a81880a70f177afab906fc45147d8b9c2c4f51132f784e41941812f9",
        "val2017": "7c629734c88f1a74bba6311e01d4d9fe976df84f07cb4fc86452ce5116e51655",
    },
)
FEW_STUFF_6 = PublishedList(
    name="Coco164kFew_Stuff_6",
    counts={"train2017": 35_228, "val2017": 1_432},
    sha256={
        "train2017": "5f78b43a1ad7408f590f0404ea86cdfc55e3a991d748a9cb64e5f86663541a6b",
        "val2017": "b5b09cbb5258417a40c7a57dfe65f6be455fa64d5a14b6a93bda91642d431fce",
    },
)


class CocoStuffOptions(CocoOptions):
    """Options of both recipes."""

    list: str | None = parameter(
        None,
        "which photos: 'published', 'derived' by the rule, or a file of ids, one per line; without it, the "
        "rule, and on complete data the published list where the rule gives another",
        source="ours",
    )
    min_side: int = parameter(
        360,
        "least length in pixels of a listed photo's shorter side, before scaling",
        source="IIC util/coco164k_prepare.py:19-25",
        ge=1,
    )
    min_share: float = parameter(
        0.75,
        "least share of the listed classes among all pixels of a listed photo",
        source="IIC util/coco164k_prepare.py:84-99",
        ge=0,
        le=1,
    )


class CocoStuff3Options(CocoStuffOptions):
    """Options of COCO-Stuff-3, whose threshold the released script has lost."""

    min_share: float = parameter(
        0.5,
        "least share of sky, plant and ground among all pixels of a listed photo",
        source="ours: separates the listed from the other photos on 21 official label maps",
        ge=0,
        le=1,
    )


class CocoStuff(DatasetRecipe):
    """The 15 coarse stuff classes; things and unlabelled pixels are void."""

    name = "coco-stuff"
    title = "COCO-Stuff (15 classes)"
    citation = "Caesar et al., COCO-Stuff: Thing and Stuff Classes in Context, CVPR 2018, arXiv:1612.03716"
    licence = "label maps CC BY 4.0; every photo under its own Flickr licence"
    how_to_get = "infoseg-bench prepare coco-stuff (downloads 19 GiB, or uses what is in --source DIR)"
    sources = (TRAIN_PHOTOS, VAL_PHOTOS, LABEL_MAPS)
    working_space = 14 << 30
    options_type = CocoStuffOptions
    class_map: ClassVar[str] = "coco-stuff-15"
    published: ClassVar[PublishedList] = FULL_STUFF_7
    unlabelled_as: ClassVar[int | None] = None
    """Class that the released code takes unlabelled pixels for; None: void (cocostuff.py:629-656)."""

    def prepare(self, options: Parameters, data: Path, progress: ProgressFactory) -> Prepared:
        """Build the store, whose labels are COCO-Stuff's own codes, with the classes as tables.

        Raises:
            UserError: files that do not fit together, or a list that is neither the published one nor
                can be replaced by it, with the remedy
        """
        assert isinstance(options, CocoStuffOptions)
        files = StuffFiles.find(CocoFiles(source_folder(options.source, data)))
        work = _Work(recipe=self, options=options, files=files, data=data, progress=progress)
        if options.list == "published":
            return work.build(work.published_ids(), "the published list")
        if options.list not in (None, "derived"):
            return work.build(read_ids(Path(options.list)), f"listed in {Path(options.list).name}")
        try:
            return work.build(None, "by the rule")
        except _ListDiffersError as found:
            published = work.published_ids(found.derived)
            differs = difference(found.derived, published)
            return work.build(published, f"the published list; the rule differs in {differs}", amend=True)


class CocoStuff3(CocoStuff):
    """Sky, plant and ground; all else is void, but the released code scores unlabelled pixels as sky."""

    name = "coco-stuff-3"
    title = "COCO-Stuff-3 (sky, plant, ground)"
    how_to_get = "infoseg-bench prepare coco-stuff-3 (downloads 19 GiB, or uses what is in --source DIR)"
    working_space = 10 << 30
    options_type = CocoStuff3Options
    class_map = "coco-stuff-3"
    published = FEW_STUFF_6
    unlabelled_as = 0


class _ListDiffersError(Exception):
    def __init__(self, derived: Sequence[str]) -> None:
        super().__init__()
        self.derived = derived


@dataclass(frozen=True, kw_only=True)
class _Work:
    recipe: CocoStuff
    options: CocoStuffOptions
    files: StuffFiles
    data: Path
    progress: ProgressFactory

    def published_ids(self, derived: Sequence[str] | None = None) -> frozenset[str]:
        """Fetch the published list; `derived` is what it is wanted instead of."""
        published = self.recipe.published
        try:
            return frozenset().union(*published.fetch(downloads(self.data), self.progress).values())
        except UserError as error:
            if derived is None:
                raise
            raise UserError(
                f"the rule gives {len(derived)} photos, not the {published.total} of the published list, "
                f"which cannot be had ({error}): give it with --list FILE, or add --list derived"
            ) from error

    def build(self, listed: frozenset[str] | None, how: str, *, amend: bool = False) -> Prepared:
        """Build the store of the listed photos, or of those that the rule accepts.

        Args:
            listed: ids; None: the rule decides
            how: the list came about, for the summary and every board
            amend: take what the rule has accepted already, and read only the rest
        """
        from infoseg_bench.data.writer import StoreWriter

        recipe, options = self.recipe, self.options
        classes = read_class_map(recipe.class_map, CLASS_MAPS)
        codes = classes.stored < len(classes.classes)
        rule = ListRule(codes=codes, min_side=options.min_side, min_share=options.min_share)
        reader = StuffReader(options=options, rule=rule if amend or listed is None else None)
        path = store_path(self.data, recipe.name, recipe)
        build = StuffBuild(
            photos=self._photos(None if amend else listed),
            reader=reader,
            listed=listed,
            parts=Parts(path, store_key(recipe, options, rule=reader.rule is not None)),
            progress=self.progress,
        )
        tables = label_tables(classes.stored, unlabelled_as=recipe.unlabelled_as)
        balance = ClassBalance(classes.classes, options.crop, tables["corrected"])
        with StoreWriter(path, channels=3, attributes=self._attributes()) as writer:
            ids = build.write(writer, balance)
            checked = self._check(ids, listed, balance)
            view = plain_view(
                recipe,
                classes.classes,
                photos=len(ids),
                crop=options.crop,
                tables=tables,
                palette=classes.palette,
                note=self._note(how),
            )
            summary = {**self._summary(ids, how, balance, tables), **checked}
            prepared = finish(writer, [view], summary)
        build.parts.clear()
        return prepared

    def _photos(self, listed: frozenset[str] | None) -> list[StuffPhoto]:
        if listed is None:
            return self.files.photos
        there = [photo for photo in self.files.photos if photo.id in listed]
        if self.complete and len(there) < len(listed):
            missing = min(listed - {photo.id for photo in there})
            raise UserError(f"photo {missing} of the list is not in COCO: check the list")
        return there

    def _check(
        self, ids: Sequence[str], listed: frozenset[str] | None, balance: ClassBalance
    ) -> dict[str, str]:
        if not ids:
            raise UserError(
                f"none of {len(self.files.photos)} photos with label maps belongs to the list ("
                f"{self.options.list or 'by the rule'}): check --list, or lower --min-side and --min-share"
            )
        if not (self.complete and self.options.list in (None, "published")):
            return {}
        if listed is None:
            splits = by_split(self.files.photos, ids)
            if not all(self.recipe.published.is_made_of(split, splits[split]) for split in splits):
                raise _ListDiffersError(ids)
        counts = {"photos with the published ids": (len(ids), self.recipe.published.total)}
        return expect(self.recipe, balance, counts)

    @property
    def complete(self) -> bool:
        """Whether all of COCO is there."""
        return len(self.files.photos) == COMPLETE

    def _attributes(self) -> dict[str, Any]:
        attributes = store_attributes(self.recipe, self.options)
        if self.options.list is not None:
            attributes["options"]["list"] = Path(self.options.list).name
        return attributes

    def _note(self, how: str) -> str:
        extent = "" if self.complete else f"a subset of {len(self.files.photos)} COCO photos; "
        note = f"{extent}photos {how}"
        return f"{note}; {self.options.pixel_note}" if self.options.pixel_note else note

    def _summary(
        self, ids: Sequence[str], how: str, balance: ClassBalance, tables: dict[str, np.ndarray]
    ) -> dict[str, str]:
        lines = {
            "files": self.files.summary(),
            "list": ("" if self.complete else "on a subset of COCO: ") + how,
            "photos": f"{len(ids)}, all labelled",
            **list_summary(by_split(self.files.photos, ids)),
            **balance.summary(),
        }
        if self.recipe.unlabelled_as is not None:
            name = "class balance, published"
            published = balance.through(balance.classes, tables["published"])
            lines[name] = published.summary()["class balance"]
        return lines
