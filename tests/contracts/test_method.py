"""What a method's class says of its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from torch import Tensor

from infoseg_bench.contracts import Method, Parameters, Progress, parameter
from infoseg_bench.contracts.method import P
from infoseg_bench.data.train_images import TrainImages


class Masked(Parameters):
    training_mask: bool = parameter(False, "leave void pixels out", source="a test")


class Base(Method[P]):
    name = "base"

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        yield from ()

    def predict(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        raise NotImplementedError


class InBrackets(Base[Masked]):
    """Names its parameters in brackets, through a class between."""


class Named(Base[Any]):
    """Names its parameters as plug-ins of version 0.1 do."""

    parameters_type = Masked


@pytest.mark.parametrize("cls", [InBrackets, Named])
def test_the_class_of_the_parameters_is_the_one_in_brackets_or_the_one_named(cls: type[Method]) -> None:
    assert cls.parameters_type is Masked
    assert cls.resolve("any", {"training_mask": True}).training_mask is True


def test_a_mask_that_is_on_is_declared() -> None:
    assert InBrackets.label_use(Masked()) is None
    assert InBrackets.label_use(Masked(training_mask=True)) == "mask"
    assert Named.label_use(Parameters()) is None


def test_the_names_of_version_0_1_still_work_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="the old name will stop working") as caught:

        class Old(Base[Masked]):
            trains = True
            shares = True

            def settle(self, train: TrainImages) -> None:
                raise LookupError("settled")

    assert {str(warning.message).partition(" now")[0] for warning in caught} == {
        "Old.trains is called is_iterative",
        "Old.shares is called supports_distributed",
        "Old.settle is called before_evaluation",
    }
    assert Old.is_iterative
    assert Old.supports_distributed
    assert Old.before_evaluation is Old.settle
