"""The prepared data sets in a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
    """Find every prepared data set in the folder `data`.

    Returns:
        store and view by data set name; and a message for every store that cannot be read, and for every
            data set that several stores contain, so that none of them is used
    """
    found, problems = all_prepared(data)
    problems += [_ambiguous(name, several) for name, several in found.items() if len(several) > 1]
    return {name: several[0] for name, several in found.items() if len(several) == 1}, problems


def all_prepared(data: Path) -> tuple[dict[str, list[PreparedDataset]], list[str]]:
    """Find every prepared data set in every store in the folder `data`.

    Returns:
        stores and views by data set name; and a message for every store that cannot be read
    """
    found: dict[str, list[PreparedDataset]] = defaultdict(list)
    problems: list[str] = []
    for path in sorted(data.glob("*.h5")):
        try:
            store = Store(path)
            views = {name: store.view(name) for name in store.view_names}
        except UserError as error:
            problems.append(str(error))
        else:
            for name, view in views.items():
                found[name].append(PreparedDataset(store, view))
    return found, problems


def _ambiguous(name: str, several: Sequence[PreparedDataset]) -> str:
    places = " and ".join(str(one.store.path) for one in several)
    return f"{places} contain the same data set, {name}: move all but one elsewhere"


def find_prepared(data: Path, name: str) -> PreparedDataset:
    """Return one prepared data set.

    Raises:
        UserError: its store cannot be read, or several stores contain it
        UsageError: it is not prepared in the folder `data`
    """
    found, _ = prepared_datasets(data)
    if name not in found:
        refuse_unusable(data, name)
        raise unknown_name(f"data set in {data}", name, found, "infoseg-bench prepare builds them")
    return found[name]


def refuse_unusable(data: Path, name: str) -> None:
    """Raise the error of reading the store of a data set that was not found, if its file exists.

    A store is named after its recipe, and contains data sets whose names begin with that name, such as
    potsdam-3.

    Raises:
        UserError: the store exists but cannot be read, or several stores contain the data set
    """
    several = all_prepared(data)[0].get(name, [])
    if len(several) > 1:
        raise UserError(_ambiguous(name, several))
    for path in sorted(data.glob("*.h5")):
        if name == path.stem or name.startswith(f"{path.stem}-"):
            store = Store(path)
            for view in store.view_names:
                store.view(view)
