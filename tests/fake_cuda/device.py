"""CUDA without a GPU: tensors that only claim to be on one, and a log of every wait for it.

CPU tensors stay real, so host code may read them; whatever is on "cuda" is torch's FakeTensor: shapes,
strides, types and devices are right, values do not exist. Mixing devices raises as CUDA does, and what
would make the host wait for the device is logged with the project's file and function.

Import this module before torch, in a process of its own: torch is changed for good. FAKE_CUDA_GUARD names
the library made of guard.cpp.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).parents[2]


ctypes.CDLL(os.environ["FAKE_CUDA_GUARD"], mode=ctypes.RTLD_GLOBAL)

import torch  # noqa: E402
import torch.cuda.amp.common  # noqa: E402
from torch import Tensor  # noqa: E402
from torch._subclasses.fake_tensor import (  # noqa: E402
    FakeTensor,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

aten = torch.ops.aten


def place_in_project() -> str:
    """Return the file and function of the innermost frame that is the project's own."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(f"{ROOT}/") and not name.startswith((f"{ROOT}/tests/", f"{ROOT}/.venv/")):
            return f"{Path(name).relative_to(ROOT)}:{frame.f_code.co_name}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "backward pass"


class FakeCuda(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sends what concerns CUDA to the fake mode, and leaves the rest real.

    Attributes:
        waits: how often the host would have waited, by place and reason
        capturing: whether a CUDA graph is being captured, in which no wait and no copy is allowed
        events: index of the device on which each event was recorded
        synchronised: index of the device of each `torch.cuda.synchronize`
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.fake = FakeTensorMode(allow_non_fake_inputs=True)
        self.waits = Counter[str]()
        self.capturing = False
        self.events: list[int] = []
        self.synchronised: list[int] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Return that torch need not guard every call against torch.compile, which is not used here."""
        return False

    @contextlib.contextmanager
    def active(self) -> Iterator[FakeCuda]:
        """Act within."""
        with self.fake, self:
            yield self

    def wait(self, reason: str) -> None:
        """Log a wait.

        Raises:
            RuntimeError: while a graph is captured, as CUDA does
        """
        if self.capturing:
            raise RuntimeError(f"operation not permitted when stream is capturing: {reason}")
        self.waits[f"{place_in_project()}: {reason}"] += 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.prim.device.default:
            return args[0].fake_device
        if func.namespace == "prim":
            return func(*args, **kwargs)
        leaves = tree_leaves((args, kwargs))
        fakes = any(isinstance(leaf, FakeTensor) for leaf in leaves)
        to_cuda = any(isinstance(leaf, torch.device) and leaf.type == "cuda" for leaf in leaves)
        if self.capturing and kwargs.get("generator") is not None:
            raise RuntimeError("numbers drawn while a graph is captured would come again in every replay")
        if not fakes and not to_cuda:
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        handler = HANDLERS.get(func)
        result = handler(self, func, args, kwargs) if handler else NotImplemented
        if result is not NotImplemented:
            return result
        if (generator := kwargs.get("generator")) is not None:
            if generator.initial_seed() not in FakeGenerator.seeds:
                raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
            kwargs = {**kwargs, "generator": None}
        _check_types(func, args)
        with self.fake:
            return func(*args, **kwargs)

    def sent(self, source: Tensor, non_blocking: bool) -> None:
        """Log a copy to the device, unless it is from pinned memory and the host goes on."""
        pinned = getattr(source, "_pinned", False)
        if pinned and non_blocking and not self.capturing:
            return
        self.wait("copy to the device" if not non_blocking else "copy from memory that is not pinned")


SAME_TYPES: dict[Any, Sequence[int]] = {
    aten.mm.default: (0, 1), aten.bmm.default: (0, 1), aten.mv.default: (0, 1),
    aten.grid_sampler_2d.default: (0, 1), aten.addmm.default: (0, 1, 2), aten.addmv.default: (0, 1, 2),
    aten.baddbmm.default: (0, 1, 2), aten.baddbmm_.default: (0, 1, 2), aten.lerp.Tensor: (0, 1, 2),
    aten.index_put_.default: (0, 2), aten.index_add_.default: (0, 3), aten.scatter_add_.default: (0, 3),
}  # fmt: skip
"""Places of arguments that CUDA's kernels want of one type, where the fake ones may not."""


def _check_types(func: Any, args: Any) -> None:
    """Refuse mixed types where CUDA does."""
    found = {args[place].dtype for place in SAME_TYPES.get(func, ()) if place < len(args)}
    if len(found) > 1:
        raise RuntimeError(f"{func}: expected tensors of one type, found {sorted(map(str, found))}")


def _scalar(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    mode.wait("a value read by the host")
    kind = args[0].dtype
    return False if kind == torch.bool else 0.0 if kind.is_floating_point else 0


def _all_selected(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    """Answer what depends on values as if every element were chosen."""
    mode.wait(str(func).split(".")[1])
    tensor = args[0]
    shape = (tensor.numel(), tensor.ndim) if func is aten.nonzero.default else (tensor.numel(),)
    with mode.fake:
        kind = torch.int64 if func is aten.nonzero.default else tensor.dtype
        return torch.empty(shape, dtype=kind, device=tensor.device)


def _bincount(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    mode.wait("bincount")
    length = args[2] if len(args) > 2 else kwargs.get("minlength", 0)
    with mode.fake:
        return torch.empty(length, dtype=torch.int64, device=args[0].device)


def _index(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    tensor, indices = args[0], args[1]
    given = [index for index in indices if index is not None]
    if tensor.device.type == "cuda" and any(index.device.type == "cpu" and index.ndim for index in given):
        mode.wait("index on the host")
    masks = [index for index in given if index.dtype in (torch.bool, torch.uint8)]
    if not masks:
        return NotImplemented
    mode.wait("boolean index")
    if func is not aten.index.Tensor:
        return tensor
    place = next(position for position, index in enumerate(indices) if index is not None)
    shape = (*tensor.shape[:place], masks[0].numel(), *tensor.shape[place + masks[0].ndim :])
    with mode.fake:
        return torch.empty(shape, dtype=tensor.dtype, device=tensor.device)


def _to_copy(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    source, target = args[0], kwargs.get("device")
    non_blocking, dtype = kwargs.get("non_blocking", False), kwargs.get("dtype") or source.dtype
    if target is None or target.type == source.device.type:
        return NotImplemented
    if target.type == "cpu":
        if not non_blocking:
            mode.wait("copy to the host")
        return _on_host(source, dtype)
    mode.sent(source, non_blocking)
    wanted = kwargs.get("memory_format")
    with mode.fake:
        if wanted is None or wanted is torch.preserve_format:
            return torch.empty_strided(source.shape, _dense(source), dtype=dtype, device=target)
        return torch.empty(source.shape, dtype=dtype, device=target, memory_format=wanted)


def _copy_(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    into, source = args[0], args[1]
    non_blocking = args[2] if len(args) > 2 else kwargs.get("non_blocking", False)
    if into.device.type == source.device.type:
        return NotImplemented
    if into.device.type == "cuda":
        mode.sent(source, non_blocking)
    elif not non_blocking:
        mode.wait("copy to the host")
    return into


def _empty_like(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    device, source = kwargs.get("device"), args[0]
    dtype = kwargs.get("dtype") or source.dtype
    if device is None or (device.type == "cuda" and isinstance(source, FakeTensor)):
        return NotImplemented
    if device.type == "cpu":
        return _on_host(source, dtype)
    with mode.fake:
        return torch.empty_strided(source.shape, _dense(source), dtype=dtype, device=device)


def _on_host(source: Tensor, dtype: torch.dtype) -> Tensor:
    """Return values of some kind: zeros, or, where zeros could coincide, random ones."""
    shape = tuple(source.shape)
    with unset_fake_temporarily():
        if dtype.is_floating_point or dtype == torch.uint8:
            return torch.rand(shape).mul(256).to(dtype)
        return torch.zeros(shape, dtype=dtype)


def _fused_adam(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> None:
    """Check what CUDA's kernel reads by a pointer."""
    rate = kwargs["lr"]
    if (rate.device.type, rate.dtype) != ("cuda", torch.float32):
        raise RuntimeError(f"fused Adam: learning rate of {rate.dtype} on {rate.device}")


def _dense(tensor: Tensor) -> tuple[int, ...]:
    with unset_fake_temporarily():
        like = torch.empty_strided(tuple(tensor.shape), tensor.stride(), device="meta")
        return torch.empty_like(like).stride()


def _memory_format(*tensors: Tensor) -> torch.memory_format:
    """Return cuDNN's: channels-last if the input or the weights are (aten/native/ConvUtils.h)."""
    suggested = torch._prims_common.suggest_memory_format
    last = any(tensor.ndim == 4 and suggested(tensor) == torch.channels_last for tensor in tensors)
    return torch.channels_last if last else torch.contiguous_format


def _convolution(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    images, weight, bias, stride, padding, dilation = args[:6]
    parts = [part for part in (images, weight, bias) if part is not None]
    if len({(part.device, part.dtype) for part in parts}) > 1:
        raise RuntimeError(f"convolution of {[(part.device, part.dtype) for part in parts]}")
    axes = zip(images.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    sides = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes]
    shape = (images.shape[0], weight.shape[0], *sides)
    with mode.fake:
        return torch.empty(shape, dtype=images.dtype, device=images.device,
                           memory_format=_memory_format(images, weight))  # fmt: skip


def _convolution_backward(mode: FakeCuda, func: Any, args: Any, kwargs: Any) -> Any:
    gradient, images, weight, bias_sizes, *_, wanted = args
    if gradient.dtype != images.dtype:
        raise RuntimeError(f"convolution_backward: gradient {gradient.dtype}, input {images.dtype}")
    layout = _memory_format(images, weight)
    with mode.fake:
        return (
            torch.empty_like(images, memory_format=layout) if wanted[0] else None,
            torch.empty_like(weight, memory_format=layout) if wanted[1] else None,
            torch.empty(bias_sizes, dtype=weight.dtype, device=weight.device) if wanted[2] else None,
        )


HANDLERS: dict[Any, Callable[[FakeCuda, Any, Any, Any], Any]] = {
    aten._local_scalar_dense.default: _scalar,
    aten.nonzero.default: _all_selected,
    aten.masked_select.default: _all_selected,
    aten.bincount.default: _bincount,
    aten.index.Tensor: _index,
    aten.index_put.default: _index,
    aten.index_put_.default: _index,
    aten._to_copy.default: _to_copy,
    aten.copy_.default: _copy_,
    aten.empty_like.default: _empty_like,
    aten._fused_adam_.tensor_lr: _fused_adam,
    aten.convolution.default: _convolution,
    aten.convolution_backward.default: _convolution_backward,
}
"""Operations of which the fake mode knows too little."""


class FakeGenerator(torch.Generator):
    """A generator of a device, known by its seed: what arrives at an operation is not this object."""

    seeds: ClassVar[set[int]] = set()

    def manual_seed(self, seed: int) -> torch.Generator:
        """Seed it."""
        self.seeds.add(seed)
        return super().manual_seed(seed)


def _generator(device: Any = "cpu") -> torch.Generator:
    return FakeGenerator() if torch.device(device).type == "cuda" else torch._C.Generator(device)


class FakeStream:
    """The only stream of a device."""

    def __init__(self, device: Any = None) -> None:
        self.device = torch.device("cuda", _index_of(device))

    def wait_stream(self, other: FakeStream) -> None:
        """Let what is queued here from now on follow what is queued there."""


class FakeGraph:
    """A graph, whose replays change nothing because there are no values."""

    def replay(self) -> None:
        """Do what was captured."""


@contextlib.contextmanager
def _capture(graph: FakeGraph, *args: Any, **kwargs: Any) -> Iterator[None]:
    MODE.capturing = True
    try:
        yield
    finally:
        MODE.capturing = False


class FakeEvent:
    """An event that a host can wait for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def record(self, stream: FakeStream | None = None) -> None:
        """Note on which device."""
        MODE.events.append(_index_of(None if stream is None else stream.device))

    def synchronize(self) -> None:
        """Wait."""
        MODE.wait("event")


def _index_of(device: Any) -> int:
    index = None if device is None else device if isinstance(device, int) else torch.device(device).index
    return torch.cuda.current_device() if index is None else index


def _pinned(tensor: Tensor, device: Any = None) -> Tensor:
    with unset_fake_temporarily(), torch._C._DisableTorchDispatch():
        copy = tensor.clone()
    copy._pinned = True  # type: ignore[attr-defined]
    return copy


def _new_tensor(tensor: Tensor, data: Any, dtype: Any = None, device: Any = None, **kwargs: Any) -> Tensor:
    host = torch.tensor(data, dtype=tensor.dtype if dtype is None else dtype, **kwargs)
    return host.to(tensor.device if device is None else device)


def _without_pinning(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def made(*args: Any, pin_memory: bool = False, **kwargs: Any) -> Tensor:
        tensor = make(*args, **kwargs)
        if pin_memory:
            tensor._pinned = True  # type: ignore[attr-defined]
        return tensor

    return made


def _synchronize(device: Any = None) -> None:
    MODE.synchronised.append(_index_of(device))
    MODE.wait("torch.cuda.synchronize")


@contextlib.contextmanager
def _device(index: Any) -> Iterator[None]:
    before = torch.cuda.current_device()
    torch.cuda.set_device(index)
    try:
        yield
    finally:
        torch.cuda.set_device(before)


MODE = FakeCuda()
_current = [0]


def _patch() -> None:
    cuda: Any = torch.cuda
    torch.cuda.amp.common.amp_definitely_not_available = lambda: False
    cuda.is_available = cuda.is_initialized = lambda: True
    cuda.is_bf16_supported = lambda *args, **kwargs: True
    cuda.device_count = lambda: 2
    cuda.current_device = lambda: _current[0]
    cuda.set_device = lambda device: _current.__setitem__(0, _index_of(device))
    cuda.device = _device
    cuda.manual_seed_all = lambda seed: None
    cuda.mem_get_info = lambda device=None: (2**36, 2**36)
    cuda.Event, cuda.current_stream, cuda.Stream = FakeEvent, FakeStream, FakeStream
    cuda.stream = lambda stream: contextlib.nullcontext()
    cuda.graph, cuda.CUDAGraph, cuda.graph_pool_handle = _capture, FakeGraph, lambda: (0, 0)
    cuda.is_current_stream_capturing = lambda: MODE.capturing
    torch.Generator = _generator  # type: ignore[misc, assignment]
    cuda.synchronize = _synchronize
    cuda.max_memory_allocated = cuda.reset_peak_memory_stats = lambda device=None: 0
    torch.Tensor.pin_memory = _pinned  # type: ignore[method-assign, assignment]
    torch.Tensor.new_tensor = _new_tensor  # type: ignore[method-assign, assignment]
    torch.empty, torch.empty_like = _without_pinning(torch.empty), _without_pinning(torch.empty_like)


_patch()
