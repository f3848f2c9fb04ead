"""A CUDA graph's stand-in on the CPU: a tape of the operations of a step, which can be run again.

Like a graph it keeps the memory of every operation, and repeats operations without any Python between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from infoseg_bench.training.step_graphs import Inputs, Recorder, Replay, Step

Operation = tuple[Callable[..., Any], Any, Any, list[Tensor]]


class Tape(TorchDispatchMode):
    """Notes operations as they are done."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._done: list[Operation] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = kwargs.get("generator")
        if given is not None and given is not torch.default_generator:
            raise RuntimeError("drawn while recording")
        result = func(*args, **kwargs)
        self._done.append((func, args, kwargs, [leaf for leaf in tree_leaves(result) if _is_tensor(leaf)]))
        return result

    def again(self) -> None:
        """Do every operation again, with its results where they were."""
        with torch.no_grad():
            for func, args, kwargs, results in self._done:
                found = [leaf for leaf in tree_leaves(func(*args, **kwargs)) if _is_tensor(leaf)]
                for result, value in zip(results, found, strict=True):
                    if result.data_ptr() != value.data_ptr():
                        result.copy_(value)


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, Tensor)


class TapeRecorder(Recorder):
    """Records tapes; what recording one has done is undone, as a graph's recording does nothing."""

    def __init__(self, changed: Callable[[], list[Tensor]]) -> None:
        """Create it; `changed` gives all tensors that outlive a step."""
        self._changed = changed
        self.recorded = 0

    def warm_up(self, step: Step, inputs: Inputs) -> dict[str, Tensor]:
        """Do a step."""
        return step(inputs)

    def record(self, step: Step, inputs: Inputs) -> Replay:
        """Record a step on copies of its inputs."""
        self.recorded += 1
        held = {name: value.clone() for name, value in inputs.items()}
        before = [tensor.detach().clone() for tensor in self._changed()]
        random = torch.get_rng_state()
        tape = Tape()
        with tape:
            outputs = step(held)
        torch.set_rng_state(random)
        with torch.no_grad():
            for tensor, value in zip(self._changed(), before, strict=True):
                tensor.copy_(value)

        def replay(inputs: Inputs) -> dict[str, Tensor]:
            for name, value in inputs.items():
                held[name].copy_(value)
            tape.again()
            return {name: value.clone() for name, value in outputs.items()}

        return replay
