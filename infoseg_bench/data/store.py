"""Reading a store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from infoseg_bench.data.fingerprint import content_fingerprint
from infoseg_bench.data.hdf5 import opened_store
from infoseg_bench.data.view import VOID, View
from infoseg_bench.data.writer import FORMAT_VERSION
from infoseg_bench.errors import UserError, unknown_name


@dataclass(frozen=True, kw_only=True)
class StoreArrays:
    """The arrays of a store: photos one after another, row by row.

    Attributes:
        pixels: pixels of all photos, uint8 `pixel channel`
        labels: labels of the labelled photos, uint8 `pixel`; None if they were not requested
        sizes: heights and widths, int32 `photo 2`
        labelled: which photos are labelled, bool `photo`
    """

    pixels: np.ndarray
    labels: np.ndarray | None
    sizes: np.ndarray
    labelled: np.ndarray


class Store:
    """A prepared file. It is opened separately for every read, so any number of runs can share it."""

    def __init__(self, path: Path) -> None:
        """Read the file's header.

        Raises:
            UserError: the file is missing, not a store, damaged, or of a newer version
        """
        self.path = path
        with opened_store(path) as file:
            self.attributes: dict[str, Any] = dict(file.attrs)
            self.photos = int(file["ids"].shape[0])
            self.channels = int(file["pixels"].shape[1])
            self.labelled = int(np.count_nonzero(file["labelled"][:]))
            self.view_names: list[str] = sorted(file["views"])
        if self.attributes.get("format_version") != FORMAT_VERSION:
            raise UserError(
                f"{path}: store format {self.attributes.get('format_version')}, not {FORMAT_VERSION}: "
                "prepare it again"
            )

    @property
    def fingerprint(self) -> str:
        """The hash of the content, as recorded when the store was written."""
        return str(self.attributes["fingerprint"])

    @property
    def warnings(self) -> list[str]:
        """Warnings about suspicious data from when the store was written, one line each."""
        lines: list[str] = json.loads(self.attributes.get("warnings", "[]"))
        return lines

    def view(self, name: str) -> View:
        """Return one data set of this store.

        Raises:
            UsageError: no such view
        """
        if name not in self.view_names:
            raise unknown_name(f"data set in {self.path}", name, self.view_names)
        with opened_store(self.path) as file:
            return _read_view(file["views"][name], name)

    def ids(self) -> list[str]:
        """Return the names of the photos, in the order of the store."""
        with opened_store(self.path) as file:
            return [text.decode() for text in file["ids"][:]]

    def arrays(self, *, labels: bool) -> StoreArrays:
        """Read the photos into memory, with labels only if requested."""
        with opened_store(self.path) as file:
            return StoreArrays(
                pixels=file["pixels"][:],
                labels=file["labels"][:] if labels else None,
                sizes=file["sizes"][:],
                labelled=file["labelled"][:],
            )

    def verify(self) -> None:
        """Compute the fingerprint again.

        Raises:
            UserError: the content has changed since it was written
        """
        with opened_store(self.path) as file:
            found = content_fingerprint(file)
        if found != self.fingerprint:
            raise UserError(
                f"{self.path}: the fingerprint of the content is {found[:12]}, but {self.fingerprint[:12]} "
                "was recorded: "
                "prepare it again"
            )


def _read_view(group: Any, name: str) -> View:
    tables = {protocol: group[f"tables/{protocol}"][:] for protocol in group["tables"]}
    # If the released code reads labels without peculiarities, both protocols use one table.
    if "corrected" in tables:
        tables.setdefault("published", tables["corrected"])
    return View(
        name=name,
        title=group.attrs["title"],
        classes=tuple(json.loads(group.attrs["classes"])),
        palette=tuple((r, g, b) for r, g, b in json.loads(group.attrs["palette"])),
        tables=tables,
        train=group["train"][:],
        evaluation=group["evaluation"][:],
        crop=int(group.attrs["crop"]),
        note=group.attrs["note"],
        label_use=group.attrs.get("label_use", ""),
    )


def void_mask(arrays: StoreArrays, view: View, *, protocol: str) -> Bool[np.ndarray, " pixel"]:
    """Return which pixels of the store are not void; in a photo without labels, all of them.

    Raises:
        ValueError: the arrays were read without labels
    """
    if arrays.labels is None:
        raise ValueError("the arrays were read without labels")
    areas = arrays.sizes.astype(np.int64).prod(axis=1)
    mask = np.ones(int(areas.sum()), dtype=bool)
    mask[np.repeat(arrays.labelled, areas)] = (view.tables[protocol] != VOID)[arrays.labels]
    return mask
