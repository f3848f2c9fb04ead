"""What a plan must know of a data set, whether it is prepared or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infoseg_bench.contracts import DatasetRecipe, Task
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.runs.loading import task_of

PROTOCOLS = ("corrected", "published")
"""Label tables of a data set that is not prepared: those that every view has."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A data set as a plan sees it.

    Attributes:
        task: channels, crop and number of clusters
        protocols: names of its label tables
        scored: photos that are scored or, where none can be, whose segments are kept
        fingerprint: of the store; empty while it is not prepared
        store_bytes: size of the store; 0 while it is not prepared
        needs: how it is prepared; empty if it is
    """

    task: Task
    protocols: tuple[str, ...]
    scored: int
    fingerprint: str = ""
    store_bytes: int = 0
    needs: str = ""

    @classmethod
    def of_store(cls, prepared: PreparedDataset) -> Outline:
        """Describe a prepared data set."""
        path: Path = prepared.store.path
        return cls(
            task=task_of(prepared),
            protocols=tuple(prepared.view.tables),
            scored=len(prepared.view.shown),
            fingerprint=prepared.store.fingerprint,
            store_bytes=path.stat().st_size,
        )

    @classmethod
    def of_recipe(cls, recipe: type[DatasetRecipe], options: Mapping[str, Any]) -> Outline | None:
        """Describe a data set that is not prepared; None where only its files can tell.

        Raises:
            UsageError: a wrong option
        """
        chosen = recipe.options_type.parse(options, f"prepare {recipe.name}")
        expected = recipe.expected(chosen)
        if expected is None:
            return None
        task = Task(
            dataset=recipe.name,
            channels=expected.channels,
            crop=expected.crop,
            clusters=expected.classes,
        )
        return cls(task=task, protocols=PROTOCOLS, scored=expected.scored, needs=recipe.how_to_get)
