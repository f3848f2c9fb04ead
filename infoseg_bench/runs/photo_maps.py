"""The photo maps of a run, with its progress and its way to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from infoseg_bench.contracts import Method
from infoseg_bench.data.store import Store, StoreArrays
from infoseg_bench.preparing.photo_maps import load_photo_maps
from infoseg_bench.runs.evaluate import Interrupted
from infoseg_bench.runs.execute import STATUS_SECONDS
from infoseg_bench.runs.folder import RunFolder

Item = TypeVar("Item")


def photo_maps(
    method: Method, store: Store, arrays: StoreArrays, folder: RunFolder, should_stop: Callable[[], bool]
) -> dict[str, np.ndarray]:
    """Read or make every map that the method asks for, telling the launcher how far that is.

    Raises:
        Interrupted: asked to stop; a map that was being made is begun anew next time
        UserError: a map cannot be kept beside the store
    """

    def pause() -> None:
        if should_stop():
            raise Interrupted

    def progress(items: Sequence[Item], title: str) -> Iterable[Item]:
        told = 0.0
        for done, item in enumerate(items):
            pause()
            if time.monotonic() - told > STATUS_SECONDS:
                told = time.monotonic()
                folder.write_status(state="running", doing=title, step=done, steps=len(items))
            yield item

    wanted = method.photo_maps(method.parameters)
    return load_photo_maps(wanted, store, arrays, progress=progress, pause=pause)
