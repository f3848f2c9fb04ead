"""The mask of a method that declares it: which pixels are not void, and nothing more."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from infoseg_bench.data.store import StoreArrays
from infoseg_bench.data.view import VOID, View


def void_mask(arrays: StoreArrays, view: View, *, protocol: str) -> Bool[np.ndarray, " pixel"]:
    """Say for every pixel of the store whether it counts; photos without labels count whole."""
    if arrays.labels is None:
        raise ValueError("the arrays were read without labels")
    areas = arrays.sizes.astype(np.int64).prod(axis=1)
    mask = np.ones(int(areas.sum()), dtype=bool)
    mask[np.repeat(arrays.labelled, areas)] = (view.tables[protocol] != VOID)[arrays.labels]
    return mask
