"""The data sets that are prepared in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.data.store import Store
from infoseg_bench.data.view import View
from infoseg_bench.errors import UserError, unknown_name


@dataclass(frozen=True)
class PreparedDataset:
    """A data set that can be run on: a store and a view on it."""

    store: Store
    view: View


def prepared_datasets(data: Path) -> tuple[dict[str, PreparedDataset], list[str]]:
    """Find every prepared data set below the folder `data`.

    Returns:
        data set name to store and view; and a line for every store that cannot be read
    """
    found: dict[str, PreparedDataset] = {}
    problems: list[str] = []
    for path in sorted(data.glob("*.h5")):
        try:
            store = Store(path)
            found.update({name: PreparedDataset(store, store.view(name)) for name in store.view_names})
        except UserError as error:
            problems.append(str(error))
    return found, problems


def find_prepared(data: Path, name: str) -> PreparedDataset:
    """Return one prepared data set.

    Raises:
        UserError: its store cannot be read
        UsageError: it is not prepared in the folder `data`
    """
    found, _ = prepared_datasets(data)
    if name not in found:
        refuse_damaged(data, name)
        raise unknown_name(f"data set in {data}", name, found, "infoseg-bench prepare builds them")
    return found[name]


def refuse_damaged(data: Path, name: str) -> None:
    """Raise what is wrong with the store of a data set that was not found, if its file is there.

    A store is named as its recipe, and holds data sets whose names begin so, such as potsdam-3.

    Raises:
        UserError: the store is there and cannot be read
    """
    for path in sorted(data.glob("*.h5")):
        if name == path.stem or name.startswith(f"{path.stem}-"):
            store = Store(path)
            for view in store.view_names:
                store.view(view)
