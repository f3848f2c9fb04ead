"""Common steps of every recipe: names, attributes, views, checks, and the final summary."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared
from infoseg_bench.contracts.registry import DATASETS
from infoseg_bench.data.view import View, label_table
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.images.palette import default_palette
from infoseg_bench.preparation.statistics import ClassBalance
from infoseg_bench.utils.text import readable_size

if TYPE_CHECKING:
    from infoseg_bench.data.writer import StoreWriter


def store_attributes(recipe: DatasetRecipe, options: Parameters, **more: Any) -> dict[str, Any]:
    """Return the metadata of a store; of paths, only the last part is kept.

    Args:
        recipe: the recipe that builds the store
        options: its options
        more: attributes of this store that replace those of the recipe
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
    """Return a text for everything but the files that determines the stored pixels and labels of a photo.

    Args:
        recipe: the recipe that builds the store
        options: its options; those that only select files are ignored
        more: further values on which the stored photos depend
    """
    values = options.model_dump(exclude={"source", "list", "manifest", "photos", "skip_broken"})
    return repr((recipe.name, recipe.version, sorted(values.items()), sorted(more.items())))


def skip_broken_option() -> Any:
    """Declare the option `skip_broken` of a recipe that reads files."""
    return parameter(
        False,
        "leave out photos that cannot be used or whose label map cannot be used, instead of stopping",
        source="chosen by this project",
    )


def downloads(data: Path) -> Path:
    """Return the folder in which all data sets share their downloads."""
    return data / "downloads"


def source_folder(source: Path | None, data: Path) -> Path:
    """Return the folder of the official files: the one the user gave, or that of the downloads."""
    return downloads(data) if source is None else source


def store_path(data: Path, name: str, recipe: DatasetRecipe) -> Path:
    """Return the path of a data set's store, if its name and its path are free, or its own.

    Raises:
        UsageError: the name is that of a published data set
        UserError: another recipe's data set or another store has this name, or the store there is another's
    """
    from infoseg_bench.data.catalogue import all_prepared

    if name != recipe.name and name in {point.name for point in entry_points(group=DATASETS)}:
        raise UsageError(f"{name} is the name of a published data set: choose another name")
    path = data / f"{name}.h5"
    stored = all_prepared(data)[0]
    others = [other for other, several in stored.items() if path in {one.store.path for one in several}]
    if others and not any(f"{other}-".startswith(f"{name}-") for other in others):
        raise UserError(f"{path} contains the data set {others[0]}: move it elsewhere, or use another name")
    for taken in stored.get(name, []):
        store, made_by = taken.store.path, taken.store.attributes["recipe"]
        if made_by != recipe.name:
            raise UserError(f"{store}: {name} is a data set made by {made_by}: choose another name")
        if store != path:
            raise UserError(
                f"{store} contains the data set {name} too: move it elsewhere, or use another name"
            )
    return path


def plain_view(
    recipe: DatasetRecipe,
    classes: tuple[str, ...],
    *,
    photos: int,
    crop: int,
    train: Sequence[int] | None = None,
    evaluation: Sequence[int] | None = None,
    **more: Any,
) -> View:
    """Make the view of a data set.

    Without tables among `more`, stored labels are class indices.

    Args:
        recipe: recipe that gives the view its name and title
        classes: class names, in the order of the class index
        photos: number of photos
        crop: side of the crops in pixels
        train: indices of the photos to train on; None: all
        evaluation: indices of the photos to score; None: all
        more: fields of the view that replace those of the recipe, the default palette and the default table
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
        train=every if train is None else np.array(train, dtype=np.int64),
        evaluation=every if evaluation is None else np.array(evaluation, dtype=np.int64),
        crop=crop,
        **fields,
    )


def expect(
    recipe: DatasetRecipe, balance: ClassBalance, counts: Mapping[str, tuple[int, int]]
) -> dict[str, str]:
    """Check the counts that complete official files must give, and return a line for the summary.

    The numbers of pixels per class are not published, so it is only checked that every class has some.

    Args:
        recipe: recipe of the data set
        balance: class balance of its pixels; every class must have some
        counts: for each quantity, the number found and the number expected

    Raises:
        UserError: the files are complete, but the counts differ
    """
    for what, (found, expected) in counts.items():
        if found != expected:
            raise UserError(f"{recipe.name}: {found} {what}, not {expected}: are these the official files?")
    if balance.absent:
        raise UserError(
            f"{recipe.name}: no pixel of {', '.join(balance.absent)}: are these the official files?"
        )
    held = ", ".join(f"{found} {what}" for what, (found, _) in counts.items())
    return {"complete": f"{held} as expected; every class occurs (pixels per class are not published)"}


def finish(
    writer: StoreWriter, views: Sequence[View], summary: dict[str, str], warnings: Sequence[str] = ()
) -> Prepared:
    """Finish a store, and add its fingerprint and size to the summary.

    Args:
        writer: writer to which all photos have been written
        views: views of the data sets in the store
        summary: lines for the user, which are saved in the store
        warnings: warnings, which are also saved in the store
    """
    replaced = _fingerprint_there(writer.path)
    writer.attributes |= {"summary": summary, "warnings": list(warnings)}
    fingerprint = writer.finish(list(views))
    if replaced is not None and replaced != fingerprint:
        line = (
            f"replaced {writer.path.name}, which had other content (fingerprint {replaced[:12]}, now "
            f"{fingerprint[:12]}): unfinished runs on it cannot be resumed"
        )
        warnings = [*warnings, line]
    size = readable_size(writer.path.stat().st_size)
    lines = {**summary, "fingerprint": fingerprint, "size": size}
    return Prepared(store=writer.path, summary=lines, warnings=tuple(warnings))


def _fingerprint_there(path: Path) -> str | None:
    """Return the fingerprint of the store that will be replaced; None if there is no readable one."""
    from infoseg_bench.data.store import Store

    with contextlib.suppress(UserError):
        return Store(path).fingerprint
    return None


def _without_folder(value: object) -> object:
    return value.resolve().name if isinstance(value, Path) else value
