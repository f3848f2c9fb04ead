"""Building a data set from its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from infoseg_bench.contracts import DatasetRecipe
from infoseg_bench.contracts.parameters import Parameters
from infoseg_bench.contracts.recipe import Prepared, SourceFile
from infoseg_bench.contracts.registry import load_recipes
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.preparation.download import Download, check_space, missing, obtain, plan
from infoseg_bench.preparation.preparation import downloads
from infoseg_bench.utils.arguments import paths
from infoseg_bench.utils.progress import ProgressFactory, no_progress

PathLikes = str | PathLike[str]
Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class NeededDownloads:
    """The archives that have to be downloaded before a data set can be built.

    Attributes:
        archives: the archives, with their sizes and the bytes already downloaded
        folder: folder for the downloads
        free: free bytes on the disk of `folder`
        working_space: additional bytes needed to build the data set
    """

    archives: tuple[Download, ...]
    folder: Path
    free: int
    working_space: int


def prepare(
    name: str,
    /,
    *,
    data: PathLikes = "data",
    download: bool = False,
    plugins: Sequence[PathLikes] = (),
    progress: ProgressFactory = no_progress,
    log: Log = lambda line: None,
    **options: Any,
) -> Prepared:
    """Build a data set from its files, and verify it. Other prepared data sets are not changed.

    Args:
        name: name of the recipe, such as "coco-stuff" or "image-folder"
        data: folder of the prepared data sets
        download: whether official archives that are missing may be downloaded
        plugins: files with more recipes
        progress: shows the progress
        log: called with a line of text if the work has to wait for another process
        options: options of the recipe, as in `infoseg-bench prepare NAME --help` but with underscores

    Returns:
        the path of the store, a summary of the data set, and warnings

    Raises:
        UsageError: an unknown recipe or option, or a download is needed that `download` does not allow
        UserError: files are missing or damaged
    """

    def refuse(needed: NeededDownloads) -> None:
        if not download:
            names = ", ".join(one.source.name for one in needed.archives)
            raise UsageError(
                f"{name} needs {names}: pass download=True, or the folder of these files as source"
            )

    recipe = load_recipes(paths(plugins)).recipe(name)
    chosen = recipe.options_type.parse(options, f"prepare {name}")
    return prepare_recipe(recipe, chosen, Path(data), confirm=refuse, progress=progress, log=log)


def prepare_recipe(
    recipe: type[DatasetRecipe],
    options: Parameters,
    data: Path,
    *,
    confirm: Callable[[NeededDownloads], None],
    progress: ProgressFactory,
    log: Log,
) -> Prepared:
    """Build a data set, after downloading official files that are missing.

    Args:
        recipe: the recipe
        options: its options, parsed
        data: folder of the prepared data sets
        confirm: called before a download; raises an error to refuse it
        progress: shows the progress
        log: called with a line of text if the work has to wait for another process

    Raises:
        UserError: files are missing or damaged
    """
    if recipe.sources and getattr(options, "source", None) is None:
        archives = recipe.needed(options)
        _obtain(recipe, archives, downloads(data), confirm=confirm, progress=progress, log=log)
    return recipe().prepare(options, data, progress)


def _obtain(
    recipe: type[DatasetRecipe],
    archives: Sequence[SourceFile],
    folder: Path,
    *,
    confirm: Callable[[NeededDownloads], None],
    progress: ProgressFactory,
    log: Log,
) -> None:
    by_hand = [source for source in missing(archives, folder) if source.by_hand]
    if by_hand:
        names = " and ".join(source.name for source in by_hand)
        raise UserError(
            f"{recipe.name} needs {names}: request them at {by_hand[0].address} and put them, zipped or "
            f"unpacked, into {folder}, or name their folder with --source"
        )
    planned = plan(archives, folder)
    if planned:
        # If an option excludes an archive, the store is small.
        space = recipe.working_space if tuple(archives) == recipe.sources else 0
        free = check_space(planned, folder, space)
        confirm(NeededDownloads(archives=tuple(planned), folder=folder, free=free, working_space=space))
    sizes = {one.source.name: one.size for one in planned}
    for source in archives:
        if not (folder / source.unpacked).is_dir() and not source.by_hand:
            obtain(
                source, folder, progress, size=sizes.get(source.name, source.size),
                waiting=lambda path: log(f"{path}: waiting for another process that downloads or checks it"),
            )  # fmt: skip
