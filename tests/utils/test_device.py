from __future__ import annotations

import pytest
import torch

from infoseg_bench.errors import UsageError
from infoseg_bench.utils.device import choose_device, constant, send


@pytest.mark.parametrize("name", ["tpu9", "meta", "cuda:7", "cpu:3", "mps", ""])
def test_a_device_that_is_not_there_is_refused_with_what_was_asked_for(name: str) -> None:
    with pytest.raises(UsageError, match=f"--device {name}: .*use auto"):
        choose_device(name)


def test_auto_is_the_cpu_where_there_is_no_gpu() -> None:
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")


def test_choosing_a_gpu_allocates_nothing_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == torch.device("cuda")
    # This torch has no CUDA: anything beyond a look at what there is would raise.
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(UsageError, match="2 GPU"):
        choose_device("cuda:2")


def test_a_constant_is_sent_once_and_can_be_trained_with_whoever_asked_first() -> None:
    like = torch.device("cpu"), torch.float64
    with torch.inference_mode():
        first = constant(((1.5, 2.0), (3.0, 4.0)), like)
    assert constant(((1.5, 2.0), (3.0, 4.0)), like) is first
    (torch.ones(2, 2, dtype=torch.float64, requires_grad=True) * first).sum().backward()  # type: ignore[no-untyped-call]
    assert send(first, torch.device("cpu")) is first


def test_tests_that_are_not_the_gpus_see_no_gpu() -> None:
    """Their bits are the CPU's, which no GPU promises."""
    assert not torch.cuda.is_available()
    assert choose_device("auto") == torch.device("cpu")
