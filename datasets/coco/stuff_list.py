"""Building the store of a list of COCO-Stuff photos, and checking the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infoseg_bench.contracts.recipe import Prepared
from infoseg_bench.datasets.coco.files import COMPLETE
from infoseg_bench.datasets.coco.stuff import ListRule, StuffFiles, StuffPhoto, StuffReader, label_tables
from infoseg_bench.datasets.coco.stuff_build import StuffBuild, by_split, list_summary
from infoseg_bench.datasets.coco.stuff_options import CocoStuffOptions
from infoseg_bench.errors import UserError, first_few
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.preparation.preparation import downloads, expect
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory

if TYPE_CHECKING:
    from infoseg_bench.datasets.coco.stuff_recipe import CocoStuff

CLASS_MAPS = Path(__file__).parents[1] / "class_maps"


class ListDiffersError(Exception):
    """Raised when the rule selects other ids than the published list from complete data."""

    def __init__(self, derived: Sequence[str], split: str = "") -> None:
        super().__init__()
        self.derived, self.split = derived, split


@dataclass(frozen=True, kw_only=True)
class ListedBuild:
    """Builds the store of the photos on a list."""

    recipe: CocoStuff
    options: CocoStuffOptions
    files: StuffFiles
    data: Path
    progress: ProgressFactory

    def published_ids(self, derived: Sequence[str] | None = None) -> frozenset[str]:
        """Return the published ids; `derived`, if given, are those that the rule selected instead.

        Raises:
            UserError: the published list cannot be fetched
        """
        published = self.recipe.published
        try:
            return frozenset().union(*published.fetch(downloads(self.data), self.progress).values())
        except UserError as error:
            if derived is None:
                raise
            raise UserError(
                f"the rule selects {len(derived)} photos, not the {published.total} of the published list, "
                f"which is not available ({error}): pass it with --list FILE, or pass --list derived"
            ) from error

    def build(self, listed: frozenset[str] | None, how: str, *, amend: bool = False) -> Prepared:
        """Build the store of the listed photos, or of those that the rule accepts.

        Args:
            listed: ids of the photos; None: the rule selects them
            how: origin of the list, for the summary and for leaderboards
            amend: whether to reuse photos that the rule has already accepted, and read only the others
        """
        recipe, options = self.recipe, self.options
        if listed is not None and options.list not in (None, "published", "derived"):
            how += self._absent(listed)
        classes = read_class_map(recipe.class_map, CLASS_MAPS)
        codes = classes.stored < len(classes.classes)
        rule = ListRule(codes=codes, min_side=options.min_side, min_share=options.min_share)
        reader = StuffReader(options=options, rule=rule if amend or listed is None else None)
        photos = self._photos(None if amend else listed)
        tables = label_tables(classes.stored, unlabelled_as=recipe.unlabelled_as)
        build = StoreBuild(
            recipe,
            options,
            self.data,
            classes=classes.classes,
            crop=options.crop,
            table=tables["corrected"],
            key={"rule": reader.rule is not None},
            skip_broken=options.skip_broken,
        )
        if options.list is not None:
            build.writer.attributes["options"]["list"] = Path(options.list).name
        with build:
            StuffBuild(photos=photos, reader=reader, listed=listed, progress=self.progress).write(build)
            build.check(self.files.root)
            checked = self._check(build, listed)
            view = build.view(tables=tables, palette=classes.palette, note=self._note(how))
            return build.finish([view], {**self._summary(build, how, tables), **checked})

    def _absent(self, listed: frozenset[str]) -> str:
        """Return in words which photos of a user's list are not among the files; empty if all are."""
        absent = sorted(listed - {photo.id for photo in self.files.photos})
        return f" ({len(absent)} of {len(listed)} not found: {first_few(absent)})" if absent else ""

    def _photos(self, listed: frozenset[str] | None) -> list[StuffPhoto]:
        if listed is None:
            return self.files.photos
        there = [photo for photo in self.files.photos if photo.id in listed]
        if self.complete and len(there) < len(listed):
            missing = min(listed - {photo.id for photo in there})
            raise UserError(f"photo {missing} of the list is not in COCO: check the list")
        return there

    def _check(self, build: StoreBuild, listed: frozenset[str] | None) -> dict[str, str]:
        ids = build.ids
        if not ids:
            by_rule = self.options.list in (None, "derived")
            raise UserError(
                f"none of {len(self.files.photos)} photos with label maps belongs to the list ("
                f"{self.options.list or 'by the rule'}): check --list"
                f"{', or lower --min-side and --min-share' if by_rule else ''}"
            )
        if build.faults or not (self.complete and self.options.list in (None, "published")):
            return {}
        if listed is None:
            splits = by_split(self.files.photos, ids)
            if not all(self.recipe.published.is_made_of(split, splits[split]) for split in splits):
                raise ListDiffersError(ids)
        counts = {"photos with the published ids": (len(ids), self.recipe.published.total)}
        return expect(self.recipe, build.balance, counts)

    @property
    def complete(self) -> bool:
        """Whether all of COCO is available."""
        return len(self.files.photos) == COMPLETE

    def _note(self, how: str) -> str:
        extent = "" if self.complete else f"a subset of {len(self.files.photos)} COCO photos; "
        note = f"{extent}photos {how}"
        return f"{note}; {self.options.pixel_note}" if self.options.pixel_note else note

    def _summary(self, build: StoreBuild, how: str, tables: dict[str, np.ndarray]) -> dict[str, str]:
        ids, balance = build.ids, build.balance
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
