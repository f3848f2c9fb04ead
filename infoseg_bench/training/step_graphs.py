"""Training steps recorded as CUDA graphs: one call starts a step instead of hundreds of kernel launches.

https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Mapping

import torch
from torch import Tensor

from infoseg_bench.errors import UserError
from infoseg_bench.utils.device import send

Inputs = Mapping[str, Tensor]
Step = Callable[[Inputs], dict[str, Tensor]]
Replay = Callable[[Inputs], dict[str, Tensor]]

WARM_UP = 3
"""Number of normal steps before a recording, as in torch's notes: libraries select their kernels in them."""


class Recorder(ABC):
    """Records the operations of a step, so that they can be repeated with other inputs."""

    @abstractmethod
    def warm_up(self, step: Step, inputs: Inputs) -> dict[str, Tensor]:
        """Execute a step without recording it."""

    @abstractmethod
    def record(self, step: Step, inputs: Inputs) -> Replay:
        """Record a step without executing it, and return a function that executes it."""


class StepGraphs:
    """One graph for each sequence of operations, recorded after some normal steps of the same sequence."""

    def __init__(self, recorder: Recorder) -> None:
        """Start without graphs."""
        self._recorder = recorder
        self._seen = Counter[Hashable]()
        self._graphs: dict[Hashable, Replay] = {}

    def __call__(self, step: Step, inputs: Inputs, course: Hashable) -> dict[str, Tensor]:
        """Do a step.

        Args:
            step: a function that only queues work on the device, and that does with the same `course` and
                the same shapes the same operations on the same memory, but for its inputs
            inputs: what differs from step to step, on the host or on the device
            course: names the operations

        Raises:
            UserError: the step cannot be recorded
        """
        key = course, *((name, value.shape, value.dtype) for name, value in inputs.items())
        if key not in self._graphs:
            self._seen[key] += 1
            if self._seen[key] <= WARM_UP:
                return self._recorder.warm_up(step, inputs)
            self._graphs[key] = self._recorder.record(step, inputs)
        return self._graphs[key](inputs)

    def clear(self) -> None:
        """Discard all graphs, because the memory that they use has been replaced."""
        self._seen.clear()
        self._graphs.clear()


class CudaRecorder(Recorder):
    """Records CUDA graphs, which share their memory because one is replayed at a time."""

    def __init__(self, device: torch.device) -> None:
        """Reserve a stream for warming up and recording."""
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, step: Step, inputs: Inputs) -> dict[str, Tensor]:
        """Execute a step on the stream of the recordings."""
        main = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(main)
        with torch.cuda.stream(self._stream):
            outputs = step({name: send(value, self._device) for name, value in inputs.items()})
        main.wait_stream(self._stream)
        return outputs

    def record(self, step: Step, inputs: Inputs) -> Replay:
        """Record a graph of a step.

        Raises:
            UserError: something in it cannot be recorded, such as a wait for the device
        """
        held = {name: torch.empty_like(value, device=self._device) for name, value in inputs.items()}
        graph = torch.cuda.CUDAGraph()
        try:
            # The thread that writes checkpoints may free pinned memory meanwhile.
            with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                outputs = step(held)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"the training step cannot be recorded as a CUDA graph ({reason}): leave out --cuda-graph"
            ) from error

        def replay(inputs: Inputs) -> dict[str, Tensor]:
            for name, value in inputs.items():
                held[name].copy_(value if value.is_cuda else value.pin_memory(), non_blocking=True)
            graph.replay()
            # The next replay writes to the same memory.
            return {name: value.clone() for name, value in outputs.items()}

        return replay
