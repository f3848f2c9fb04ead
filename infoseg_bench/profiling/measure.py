"""Measurement of a training step: its speed, and how its time is divided."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from infoseg_bench.contracts import Method, Parameters
from infoseg_bench.profiling.clock import matrix_rate, seconds_per_call
from infoseg_bench.profiling.stage import RecordedImages, Stage
from infoseg_bench.training.network_method import NetworkMethod
from infoseg_bench.training.step_graphs import WARM_UP
from infoseg_bench.utils.device import peak_device_bytes, peak_host_bytes, use_device

Call = tuple[tuple[Any, ...], dict[str, Any]]
Asked = tuple[tuple[int, int | None], ...]

COURSE = 2
"""Number of steps measured together, at 1/4 and 3/4 of a run; chosen by this project."""
DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The speed of one method on one device.

    Attributes:
        method: name of the method
        precision: precision of its matrix products
        compiled: whether its network was compiled with torch.compile
        cuda_graph: whether its training steps were CUDA graphs
        images_per_step: training crops per step
        seconds_per_step: total time of a step, averaged over a run as in `training`
        images_per_second: training crops per second
        flops_per_step: floating-point operations of convolutions and matrix products, forward and backward;
            element-wise operations and Fourier transforms are not counted
        flops_per_second: `flops_per_step / seconds_per_step`
        matrix_flops_per_second: measured rate of a large matrix product at the same precision
        matrix_share: `flops_per_second / matrix_flops_per_second`
        data_share: time to cut the crops, as a fraction of the step, at most 1
        outside_network_share: time outside the network's forward and backward pass, as a fraction of the
            step, at least 0; None for a method without a network
        peak_bytes: peak memory during the steps
        peak_of: memory of the device, or for the CPU of the whole process
    """

    method: str
    precision: str
    compiled: bool
    cuda_graph: bool
    images_per_step: int
    seconds_per_step: float
    images_per_second: float
    flops_per_step: int
    flops_per_second: float
    matrix_flops_per_second: float
    matrix_share: float
    data_share: float
    outside_network_share: float | None
    peak_bytes: int
    peak_of: Literal["device", "process"]


def measure(
    cls: type[Method],
    parameters: Parameters,
    stage: Stage,
    device: torch.device,
    *,
    compile: bool = False,
    cuda_graph: bool = False,
    seconds: float = 5.0,
) -> Speed:
    """Measure the training steps of a method.

    Args:
        cls: the method, which must be iterative
        parameters: its parameters
        stage: task and photos
        device: the device to train on
        compile: whether to compile the network with torch.compile
        cuda_graph: whether to record training steps as CUDA graphs
        seconds: approximate time to measure each part; at least one step is timed

    Raises:
        UsageError: the parameters do not fit the photos
    """
    use_device(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    method = stage.make(cls, parameters, device, compile=compile, cuda_graph=cuda_graph)
    train = stage.images(method)
    steps = warmed(training(method, train), method)
    step_seconds = seconds_per_call(steps, device, seconds=seconds) / COURSE
    peak, own = peak_host_bytes(), peak_device_bytes(device)
    flops, asked, calls = _count(cls, parameters, stage, device)
    images = sum(size for size, _ in asked) // COURSE
    data_seconds = seconds_per_call(_cutting(train, asked), device, seconds=seconds) / COURSE
    network_seconds = _network_seconds(method, calls, device, seconds)
    precision = str(getattr(parameters, "precision", "float32"))
    with method.rounding() if isinstance(method, NetworkMethod) else nullcontext():
        rate = matrix_rate(device, DTYPES[precision], seconds=seconds)
    return Speed(
        method=cls.name,
        precision=precision,
        compiled=compile and isinstance(method, NetworkMethod),
        cuda_graph=isinstance(method, NetworkMethod) and method.uses_graphs,
        images_per_step=images,
        seconds_per_step=step_seconds,
        images_per_second=images / step_seconds,
        flops_per_step=flops,
        flops_per_second=flops / step_seconds,
        matrix_flops_per_second=rate,
        matrix_share=flops / step_seconds / rate,
        # Parts are timed separately, so noise can make a part longer than the step.
        data_share=min(1.0, data_seconds / step_seconds),
        outside_network_share=(
            None if network_seconds is None else max(0.0, 1 - network_seconds / step_seconds)
        ),
        peak_bytes=peak if own is None else own,
        peak_of="process" if own is None else "device",
    )


def training(method: Method, train: RecordedImages) -> Callable[[], object]:
    """Return a function that does `COURSE` training steps, spread evenly over a run.

    Steps can differ in the course of a run: InMARS adds its adversaries, and IIC alternates its heads.
    """
    progress = iter(method.fit(train))

    def do() -> None:
        for part in range(COURSE):
            if isinstance(method, NetworkMethod):
                # Each in another epoch, because IIC alternates its heads by epoch.
                passes = part * -(-len(train) // method.parameters.batch)
                method.step = method.run.steps * (2 * part + 1) // (2 * COURSE) + passes
            next(progress)

    return do


def warmed(steps: Callable[[], object], method: Method) -> Callable[[], object]:
    """Execute steps until the following ones are graphs, if the method uses graphs."""
    if method.run.cuda_graph:
        for _ in range(WARM_UP):
            steps()
    return steps


def _count(
    cls: type[Method], parameters: Parameters, stage: Stage, device: torch.device
) -> tuple[int, Asked, list[Call]]:
    """Return the floating-point operations of a step, and the batches and network calls of `COURSE` steps.

    The network is not compiled, because compiled operations are not counted, nor are those of CUDA graphs.
    """
    method, calls = stage.make(cls, parameters, device), list[Call]()
    train = stage.images(method)
    if isinstance(method, NetworkMethod):

        def note(module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            calls.append((args, kwargs))

        method.network.register_forward_pre_hook(note, with_kwargs=True)
    with FlopCounterMode(display=False) as counter:
        training(method, train)()
    return counter.get_total_flops() // COURSE, train.asked, calls


def _cutting(train: RecordedImages, asked: Asked) -> Callable[[], object]:
    steps = itertools.count()

    def cut() -> None:
        step = next(steps)
        for size, crop in asked:
            train.batch(step, size, crop)

    return cut


def _network_seconds(method: Method, calls: list[Call], device: torch.device, seconds: float) -> float | None:
    if not isinstance(method, NetworkMethod) or not calls:
        return None
    network = method.network.train()

    def passes() -> None:
        with method.autocast():
            outputs = [network(*args, **kwargs) for args, kwargs in calls]
        tensors = [tensor for tensor in _tensors(outputs) if tensor.requires_grad]
        torch.autograd.backward(tensors, [torch.ones_like(tensor) for tensor in tensors])
        network.zero_grad(set_to_none=True)

    return seconds_per_call(passes, device, seconds=seconds) / COURSE


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _tensors(getattr(value, field.name))
    elif isinstance(value, dict):
        yield from (tensor for part in value.values() for tensor in _tensors(part))
    elif isinstance(value, list | tuple):
        yield from (tensor for part in value for tensor in _tensors(part))
