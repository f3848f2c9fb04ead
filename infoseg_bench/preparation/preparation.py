"""What every recipe does around its own work: names, attributes, the view, and the lines at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np

from infoseg_bench.contracts.parameters import Parameters
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared
from infoseg_bench.contracts.registry import DATASETS
from infoseg_bench.data.view import View, label_table
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.images.palette import default_palette
from infoseg_bench.preparation.statistics import ClassBalance
from infoseg_bench.utils.text import readable_size


def store_attributes(recipe: DatasetRecipe, options: Parameters, **more: Any) -> dict[str, Any]:
    """Return what a store keeps beside its content; of files and folders, the last name only.

    Args:
        recipe: the one that builds the store
        options: its options
        more: attributes of this store that replace the recipe's own
    """
    values = {name: _without_folder(getattr(options, name)) for name in type(options).model_fields}
    return {
        "recipe": recipe.name,
        "recipe_version": recipe.version,
        "title": recipe.title,
        "citation": recipe.citation,
        "licence": recipe.licence,
        "options": values,
        **more,
    }


def store_key(recipe: DatasetRecipe, options: Parameters, **more: object) -> str:
    """Name all that decides how a photo becomes what is stored, except its files.

    Args:
        recipe: the one that builds the store
        options: its options; those that say which files and which of them are of no account
        more: what else decides
    """
    values = options.model_dump(exclude={"source", "list", "manifest", "photos"})
    return repr((recipe.name, recipe.version, sorted(values.items()), sorted(more.items())))


def downloads(data: Path) -> Path:
    """Return the folder in which all data sets share their downloads."""
    return data / "downloads"


def source_folder(source: Path | None, data: Path) -> Path:
    """Return the folder of the official files: the one that was named, or that of the downloads."""
    return downloads(data) if source is None else source


def store_path(data: Path, name: str, recipe: DatasetRecipe) -> Path:
    """Return the file of a data set, if its name is free or the recipe's own.

    Raises:
        UserError: another recipe or its data set has this name
    """
    from infoseg_bench.data.catalogue import prepared_datasets

    if name != recipe.name and name in {point.name for point in entry_points(group=DATASETS)}:
        raise UsageError(f"{name} is the name of a published data set: choose another name")
    path = data / f"{name}.h5"
    taken = prepared_datasets(data)[0].get(name)
    if taken is not None and (taken.store.path != path or taken.store.attributes["recipe"] != recipe.name):
        made_by = taken.store.attributes["recipe"]
        raise UserError(f"{taken.store.path}: {name} is a data set that {made_by} made: choose another name")
    return path


def plain_view(
    recipe: DatasetRecipe,
    classes: tuple[str, ...],
    *,
    photos: int,
    crop: int,
    evaluation: Sequence[int] | None = None,
    **more: Any,
) -> View:
    """Make the view of a data set that trains on all photos.

    Without tables among `more`, stored labels are class indices.

    Args:
        recipe: its name and title are the view's
        classes: names, in the order of the class index
        photos: how many there are
        crop: side of the crops in pixels
        evaluation: indices of the photos to score; without it, all of them
        more: fields of the view that replace the recipe's own, the default palette and the plain table
    """
    every = np.arange(photos, dtype=np.int64)
    fields: dict[str, Any] = {
        "name": recipe.name,
        "title": recipe.title,
        "palette": default_palette(len(classes)),
        "tables": {"corrected": label_table(len(classes))},
        **more,
    }
    return View(
        classes=classes,
        train=every,
        evaluation=every if evaluation is None else np.array(evaluation, dtype=np.int64),
        crop=crop,
        **fields,
    )


def expect(
    recipe: DatasetRecipe, balance: ClassBalance, counts: Mapping[str, tuple[int, int]]
) -> dict[str, str]:
    """Check what complete official files must give, and say in a line of the summary what was checked.

    Nobody publishes how many pixels each class has, so of these only that there are some.

    Args:
        recipe: the data set
        balance: of its pixels; every class must have some
        counts: what was counted: found and expected

    Raises:
        UserError: the files are all there, but give something else
    """
    for what, (found, expected) in counts.items():
        if found != expected:
            raise UserError(f"{recipe.name}: {found} {what}, not {expected}: are these the official files?")
    empty = [name for name, count in zip(balance.classes, balance.counts, strict=True) if not count]
    if empty:
        raise UserError(f"{recipe.name}: no pixel of {', '.join(empty)}: are these the official files?")
    held = ", ".join(f"{found} {what}" for what, (found, _) in counts.items())
    return {"complete": f"{held} as expected, every class occurs (pixels per class are published nowhere)"}


def finish(writer: Any, views: Sequence[View], summary: dict[str, str]) -> Prepared:
    """Return a `StoreWriter`'s store its name, and the summary its last lines: which content, how large."""
    writer.attributes["summary"] = summary
    fingerprint = writer.finish(list(views))
    size = readable_size(writer.path.stat().st_size)
    return Prepared(store=writer.path, summary={**summary, "fingerprint": fingerprint, "size": size})


def _without_folder(value: object) -> object:
    return value.resolve().name if isinstance(value, Path) else value
