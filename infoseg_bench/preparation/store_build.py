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
from infoseg_bench.preparation.build_cache import BuildCache
from infoseg_bench.preparation.preparation import finish, plain_view, store_attributes, store_key, store_path
from infoseg_bench.preparation.statistics import ClassBalance


class StoreBuild:
    """Context manager in which a recipe builds a store; the store is written completely or not at all.

    Attributes:
        writer: writer of the store
        cache: cache of finished photos, for resuming an interrupted build; removed at the end
        balance: class balance of the scored crops
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

    def write(self, photos: Sequence[StoredPhoto], *, trained: bool = True, scored: bool = True) -> None:
        """Write photos.

        Args:
            photos: the photos, in order
            trained: whether they are training photos
            scored: whether those with labels are scored
        """
        self.writer.extend(photos)
        for index, photo in enumerate(photos, len(self.ids)):
            self.ids.append(photo.id)
            self.labelled += photo.labels is not None
            if trained:
                self.trained.append(index)
            if scored and photo.labels is not None:
                self.scored.append(index)
                self.balance.add(photo.labels)

    def view(self, classes: tuple[str, ...] | None = None, **more: Any) -> View:
        """Return the view of the photos written so far.

        Args:
            classes: class names; None: those of the build
            more: fields of the view that replace those of the recipe
        """
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
        self, views: Sequence[View], summary: dict[str, str], warnings: Sequence[str] | None = None
    ) -> Prepared:
        """Complete the store.

        Args:
            views: views of the data sets in the store
            summary: lines for the user, which are saved in the store
            warnings: warnings, which are also saved; None: those of the class balance
        """
        return finish(self.writer, views, summary, self.balance.warnings() if warnings is None else warnings)
