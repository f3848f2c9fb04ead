"""Search for labels among all objects that a method's `fit` can reach."""

from __future__ import annotations

import gc
from pathlib import Path
from types import FunctionType

import numpy as np
import torch

from infoseg_bench.data.store import Store, StoreArrays


def leaks(*roots: object, arrays: StoreArrays, path: Path) -> list[str]:
    """Return descriptions of all reachable objects that give access to labels; skip modules and classes.

    Args:
        roots: the objects to start from: a method and its training images
        arrays: the arrays of the store, with its labels
        path: path of the store, which must not be reachable either

    Raises:
        ValueError: the arrays were read without labels
    """
    if arrays.labels is None:
        raise ValueError("the arrays were read without labels")
    found: list[str] = []
    seen, queue = set[int](), list(roots)
    while queue:
        item = queue.pop()
        if id(item) in seen or isinstance(item, type) or type(item).__name__ == "module":
            continue
        seen.add(id(item))
        array = _as_array(item)
        if array is not None and np.shares_memory(array, arrays.labels):
            found.append(f"an array {array.shape}")
        if isinstance(item, StoreArrays | Store) or str(path) in str(item)[:2000]:
            found.append(repr(item)[:80])
        queue += _referents(item)
    return found


def _as_array(item: object) -> np.ndarray | None:
    if isinstance(item, torch.Tensor) and item.device.type == "cpu" and not item.requires_grad:
        return np.asarray(item.numpy())
    return item if isinstance(item, np.ndarray) else None


def _referents(item: object) -> list[object]:
    """Return the objects that `item` refers to; for a function what it captures, without globals."""
    if isinstance(item, FunctionType):
        return [item.__closure__, item.__defaults__, item.__kwdefaults__, vars(item)]
    return [*gc.get_referents(item), getattr(item, "__dict__", None)]
