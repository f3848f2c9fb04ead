"""What a plan needs to know about a data set, whether it is prepared or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infoseg_bench.contracts import DatasetRecipe, Task
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.runs.loading import task_of

PROTOCOLS = ("corrected", "published")
"""Names of the label tables of a data set that is not prepared: every view has these two."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """The facts about a data set that a plan needs.

    Attributes:
        task: channels, crop and number of clusters
        protocols: names of its label tables
        scored: number of scored photos; without labels, of the photos whose segments are kept
        fingerprint: fingerprint of the store; empty if it is not prepared
        store_bytes: size of the store; 0 if it is not prepared
        needs: how to prepare it; empty if it is prepared
    """

    task: Task
    protocols: tuple[str, ...]
    scored: int
    fingerprint: str = ""
    store_bytes: int = 0
    needs: str = ""

    @classmethod
    def of_store(cls, prepared: PreparedDataset) -> Outline:
        """Return the outline of a prepared data set."""
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
        """Return the expected outline of a data set that is not prepared; None if it depends on the files.

        Raises:
            UsageError: an invalid option
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
