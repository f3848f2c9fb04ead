"""Building a store: recipes write photos, which are counted and become a store with its views."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.contracts.parameters import Parameters
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.view import View
from infoseg_bench.errors import MOST_NAMED, FileError, first_few, printable, together
from infoseg_bench.preparation.build_cache import BuildCache, ReadPhoto
from infoseg_bench.preparation.label_survey import LabelSurvey
from infoseg_bench.preparation.preparation import finish, plain_view, store_attributes, store_key, store_path
from infoseg_bench.preparation.statistics import ClassBalance
from infoseg_bench.utils.text import plural


class StoreBuild:
    """Context manager in which a recipe builds a store; the store is written completely or not at all.

    Attributes:
        writer: writer of the store
        cache: cache of finished photos, for resuming an interrupted build; removed at the end
        balance: class balance of the scored crops
        survey: survey of the files
        faults: files that cannot be used
        ids: ids of the photos written
        trained: indices of the training photos
        scored: indices of the scored photos
        labelled: number of photos with labels
    """

    def __init__(
        self,
        recipe: DatasetRecipe,
        options: Parameters,
        data: Path,
        *,
        classes: tuple[str, ...],
        crop: int,
        table: UInt8[np.ndarray, " 256"] | None = None,
        channels: int = 3,
        name: str = "",
        title: str = "",
        key: dict[str, object] | None = None,
        skip_broken: bool = False,
        own_classes: bool = False,
        upright: bool = False,
        nearest: bool = False,
    ) -> None:
        """Create the build, without writing anything.

        Args:
            recipe: the recipe
            options: its options
            data: folder of the store
            classes: class names, in the order of the class index
            crop: side of the crops in pixels
            table: class index by stored label; None: stored labels are class indices
            channels: channels of the photos
            name: name of the data set; empty: the recipe's
            title: title of the data set; empty: the recipe's
            key: further values on which the stored photos depend, besides the options
            skip_broken: whether photos that cannot be used are left out instead of being an error
            own_classes: whether the user names the classes; otherwise they are those of official files
            upright: whether photos are rotated as their EXIF orientation says
            nearest: whether label colours without a class count as the nearest one

        Raises:
            UserError: another recipe or its data set has this name
        """
        from infoseg_bench.data.writer import StoreWriter

        self._recipe, self._crop = recipe, crop
        self._named = {"name": name or recipe.name, "title": title or recipe.title}
        path = store_path(data, self._named["name"], recipe)
        attributes = store_attributes(recipe, options, title=self._named["title"])
        self.writer = StoreWriter(path, channels=channels, attributes=attributes)
        self.cache = BuildCache(path, store_key(recipe, options, **(key or {})))
        self.balance = ClassBalance(classes, crop, table)
        self.survey = LabelSurvey(
            self.balance, crop=crop, upright=upright, nearest=nearest, own_classes=own_classes
        )
        self.faults: list[FileError] = []
        self._skip_broken = skip_broken
        self.ids: list[str] = []
        self.trained: list[int] = []
        self.scored: list[int] = []
        self.labelled = 0

    def __enter__(self) -> StoreBuild:
        self.writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.__exit__(kind, error, trace)
        if kind is None:
            self.cache.clear()

    def write(self, photos: Sequence[ReadPhoto], *, trained: bool = True, scored: bool = True) -> None:
        """Write photos, and note those that cannot be used; once one is an error, the others are only read.

        Args:
            photos: the photos, in order
            trained: whether they are training photos
            scored: whether those with labels are scored; photos that are neither are not written
        """
        usable = [photo for photo in photos if isinstance(photo, StoredPhoto)]
        self.faults += [photo for photo in photos if isinstance(photo, FileError)]
        if self.faults and not self._skip_broken:
            return
        for photo in usable:
            if photo.finding is not None:
                self.survey.add(photo.finding)
        kept = [photo for photo in usable if trained or (scored and photo.labels is not None)]
        self.writer.extend(kept)
        for index, photo in enumerate(kept, len(self.ids)):
            self.ids.append(photo.id)
            self.labelled += photo.labels is not None
            if trained:
                self.trained.append(index)
            if scored and photo.labels is not None:
                self.scored.append(index)
                self.balance.add(photo.labels)

    def check(self, folder: Path, labels: object = None) -> None:
        """Check what was written before it becomes a store.

        Args:
            folder: of the files, for messages
            labels: place of the label maps, for messages; without it, the folder

        Raises:
            UserError: files cannot be used, with all of them in one message, or any score on the labels would
                be wrong
        """
        if self.faults and not (self._skip_broken and self.ids):
            remedy = "" if self._skip_broken else "--skip-broken leaves such photos out"
            raise together(folder, self.faults, remedy)
        self.survey.refuse(labels or folder)

    def view(self, classes: tuple[str, ...] | None = None, **more: Any) -> View:
        """Return the view of the photos written so far.

        Args:
            classes: class names; None: those of the build
            more: fields of the view that replace those of the recipe
        """
        broken = f"{plural(len(self.faults), 'broken file')} left out" if self.faults else ""
        more["note"] = "; ".join(note for note in (more.get("note", ""), broken) if note)
        return plain_view(
            self._recipe,
            classes or self.balance.classes,
            photos=len(self.ids),
            crop=self._crop,
            train=self.trained,
            evaluation=self.scored,
            **(self._named | more),
        )

    def finish(
        self, views: Sequence[View], summary: dict[str, str], warnings: Sequence[str] = ()
    ) -> Prepared:
        """Complete the store.

        Args:
            views: views of the data sets in the store
            summary: lines for the user, which are saved in the store
            warnings: warnings besides those of the survey, which are also saved
        """
        lines = dict(summary)
        if self.faults:
            names = [printable(getattr(fault.path, "name", fault.path)) for fault in self.faults]
            lines["left out as broken"] = f"{len(names)}: {first_few(names, MOST_NAMED)}"
        lines |= self.survey.summary()
        return finish(self.writer, views, lines, [*warnings, *self.survey.warnings()])
