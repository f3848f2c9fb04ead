"""The prepared data sets in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.data.store import Store
from infoseg_bench.data.view import View
from infoseg_bench.errors import UserError, unknown_name


@dataclass(frozen=True)
class PreparedDataset:
    """A prepared data set: a store and one of its views."""

    store: Store
    view: View


def prepared_datasets(data: Path) -> tuple[dict[str, PreparedDataset], list[str]]:
    """Find every prepared data set below the folder `data`.

    Returns:
        store and view by data set name; and a message for every store that cannot be read
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
    """Raise the error of reading the store of a data set that was not found, if its file exists.

    A store is named after its recipe, and contains data sets whose names begin with that name, such as
    potsdam-3.

    Raises:
        UserError: the store exists but cannot be read
    """
    for path in sorted(data.glob("*.h5")):
        if name == path.stem or name.startswith(f"{path.stem}-"):
            store = Store(path)
            for view in store.view_names:
                store.view(view)
