from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.errors import UsageError
from infoseg_bench.launchers.engine import BaseEngine
from infoseg_bench.launchers.engine_choice import Engine
from infoseg_bench.launchers.resources import RayResources, ResourceRequest, SlurmResources
from infoseg_bench.launchers.work import Work
from tests.launchers.test_local import Noting, make_spec

METHODS = ["kmeans", "infoseg"]


def slurm(*texts: str) -> ResourceRequest:
    return ResourceRequest.parse("--slurm", texts, METHODS)


def test_what_one_method_is_given_goes_before_what_all_are_given_and_that_before_defaults() -> None:
    request = slurm("kmeans.gpus=0", "gpus=2", "mem-gb=8.5", "kmeans.cpus=3")
    assert request.of_method(SlurmResources, "kmeans", minutes=60) == SlurmResources(
        gpus=0, cpus=3, mem_gb=8.5, minutes=60
    )
    assert request.of_method(SlurmResources, "infoseg", cpus=7) == SlurmResources(gpus=2, cpus=7, mem_gb=8.5)


def test_any_other_word_is_sbatchs_own_option() -> None:
    found = slurm("partition=long=er", "infoseg.account=me").of_method(SlurmResources, "infoseg")
    assert found.model_extra == {"partition": "long=er", "account": "me"}


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("gpus", "expected [METHOD.]KEY=VALUE"),
        ("gpus=", "expected [METHOD.]KEY=VALUE"),
        ("=1", "expected [METHOD.]KEY=VALUE"),
        (".gpus=1", "expected [METHOD.]KEY=VALUE"),
        ("kmean.gpus=1", "kmeans"),
    ],
)
def test_a_word_of_another_form_is_named(word: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        slurm(word)
    assert f"--slurm {word}" in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("gpus=-1", "--ray gpus=-1"),
        ("cpus=many", "--ray cpus=many"),
        ("colour=red", "known: gpus, cpus, mem_gb"),
    ],
)
def test_a_value_out_of_range_and_an_unknown_key_are_named(word: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        ResourceRequest.parse("--ray", [word], METHODS).of_method(RayResources, "kmeans")
    assert says in str(raised.value)


def choose(folder: Path, word: str) -> BaseEngine[Any]:
    choice = Engine(name="ray", resources=[word])
    work = Work(results=folder, data=folder, device="cpu")
    # The runs of k-means are finished: one of method m is left.
    return choice.make([make_spec()], work, methods=["kmeans", "m"], jobs=1, watcher=Noting())


def test_a_word_about_a_method_whose_runs_are_finished_stays_right(tmp_path: Path) -> None:
    assert isinstance(choose(tmp_path, "kmeans.cpus=2"), BaseEngine)
    with pytest.raises(UsageError, match="kmeens"):
        choose(tmp_path, "kmeens.cpus=2")
