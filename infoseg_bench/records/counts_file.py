"""The counts of a run: writing and reading them, and warnings that follow from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.records.arrays import load_arrays
from infoseg_bench.records.record import DatasetFacts
from infoseg_bench.scoring.scores import constant_accuracy
from infoseg_bench.utils.atomic import write_atomic

COLLAPSED_SHARE = 0.99
"""Minimum share of the scored pixels in one cluster of a collapsed run; chosen by this project."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """The pixel counts from which all scores of a run are computed, as read from a file, without checks.

    Attributes:
        last: counts of the whole set at the end of training, `cluster cls`
        best: counts of the whole set at the step of highest PA, `cluster cls`
        last_images: counts per image at the end of training, `image cluster cls`
        selected_images: counts per image at the step that a label-free figure selected; None if there is none
        ids: ids of the images
        sha256: hash of the file, 64 hexadecimal digits
    """

    last: np.ndarray
    best: np.ndarray
    last_images: np.ndarray
    selected_images: np.ndarray | None
    ids: tuple[str, ...]
    sha256: str


def write_counts(
    file: Path, *, last: np.ndarray, best: np.ndarray, ids: list[str], selected: np.ndarray | None = None
) -> None:
    """Write the counts from which every score is computed.

    The arrays are `last` and `best` (int64 `cluster cls`, the whole set), `last_images` and
    `best_images` (int64 `image cluster cls`), `ids` of the images, and `selected_images` if a label-free
    figure has selected a step.
    """
    arrays = {
        "last": last.sum(axis=0),
        "best": best.sum(axis=0),
        "last_images": last,
        "best_images": best,
        "ids": np.array(ids),
        **({} if selected is None else {"selected_images": selected}),
    }
    write_atomic(file, lambda handle: np.savez_compressed(handle, **arrays))


def warnings_of(counts: np.ndarray) -> list[str]:
    """Return warnings about suspicious counts of the last state, int64 `image cluster cls`."""
    return collapse_warnings(counts.sum(axis=(0, 2)) / counts.sum())


def collapse_warnings(shares: Float64[np.ndarray, " cluster"]) -> list[str]:
    """Return a warning if nearly all pixels are in one cluster, given every cluster's share of the pixels."""
    if shares.max() < COLLAPSED_SHARE:
        return []
    return [
        f"collapsed: {100 * shares.max():.1f} % of the scored pixels are in one of {len(shares)} clusters"
    ]


def dataset_facts(prepared: PreparedDataset, counts: np.ndarray) -> DatasetFacts:
    """Return the facts about the data that belong to every score; `counts` are int64 `image cluster cls`."""
    view = prepared.view
    return DatasetFacts(
        title=view.title,
        classes=list(view.classes),
        palette=list(view.palette),
        note=view.note,
        warnings=prepared.store.warnings,
        label_use=view.label_use or None,
        train_images=len(view.train),
        evaluation_images=len(view.evaluation),
        crop=view.crop,
        channels=prepared.store.channels,
        constant_pixel_accuracy=constant_accuracy(counts.sum(axis=0)),
    )


def parse_counts(content: bytes | None, source: Path) -> Counts:
    """Read what `write_counts` wrote, except for the counts per image at the step of highest PA.

    Args:
        content: content of the file; None: there is no such file
        source: where the content comes from, for messages

    Raises:
        UserError: the file is missing or damaged
    """
    names = ("last", "best", "last_images")
    arrays = load_arrays(
        content,
        (*names, "ids"),
        source,
        "counts",
        optional=("selected_images",),
        unread=("best_images",),
    )
    return Counts(
        **{name: arrays[name] for name in names},
        selected_images=arrays.get("selected_images"),
        ids=tuple(map(str, arrays["ids"].ravel().tolist())),
        sha256=hashlib.sha256(content or b"").hexdigest(),
    )


def parse_best_images(content: bytes | None, source: Path) -> np.ndarray:
    """Read the counts per image at the step of highest PA, `image cluster cls`, as `parse_counts` does.

    Only `verify` needs them, and they are half of what there is to unpack.
    """
    return load_arrays(content, ("best_images",), source, "counts")["best_images"]
