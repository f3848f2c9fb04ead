from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from infoseg_bench.contracts import Method, Parameters, PhotoMap
from infoseg_bench.data.store import Store
from infoseg_bench.launchers.status_columns import describe
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.photo_map_files import photo_maps
from infoseg_bench.runs.prediction import Interrupted
from tests.data.miniature import write_store
from tests.runs.test_execute import Thresholding


class Red(PhotoMap):
    name: ClassVar[str] = "red"

    def compute(self, image: np.ndarray) -> np.ndarray:
        return image[..., 0].astype(np.int16)


class Asking(Thresholding):
    """A method that asks for one map."""

    @classmethod
    def photo_maps(cls, parameters: Parameters) -> tuple[PhotoMap, ...]:
        return (Red(),)


def maps(tmp_path: Path, method: type[Method], *, stop: bool = False) -> dict[str, np.ndarray]:
    path = tmp_path / "mini.h5"
    store = Store(path if path.exists() else write_store(path))
    (tmp_path / "run").mkdir(exist_ok=True)
    made = object.__new__(method)
    made.parameters = Parameters()
    return photo_maps(made, store, store.arrays(labels=True), RunFolder(tmp_path / "run"), lambda: stop)


def test_a_method_gets_the_maps_that_it_asks_for_and_others_get_none(tmp_path: Path) -> None:
    assert list(maps(tmp_path, Asking)) == ["red"]
    assert maps(tmp_path, Thresholding) == {}


def test_a_launcher_is_told_how_far_it_is(tmp_path: Path) -> None:
    maps(tmp_path, Asking)
    status = RunFolder(tmp_path / "run").status()
    assert (status["doing"], status["steps"]) == ("red", 8)
    assert describe(status) == f"red: {status['step']} of 8 photos"


def test_asked_to_stop_it_stops_and_asked_again_it_goes_on(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        maps(tmp_path, Asking, stop=True)
    assert not list(tmp_path.glob("*.map"))
    assert list(maps(tmp_path, Asking)) == ["red"]
