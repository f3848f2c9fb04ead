"""Logging of scalars and detection of divergence without synchronising with a GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from infoseg_bench.records.curve import Curve, Diverged

Fetch = Callable[[], dict[str, float]]


class StepLog:
    """Writes scalars to the curve with a delay of one logged step, when they have arrived on the host.

    The loss of every step is checked on its own device. The first step with a loss that is not finite is
    reported at the next logged step, or by `settle`.

    Attributes:
        latest: the values written last
    """

    def __init__(self, curve: Curve) -> None:
        """Create an empty log."""
        self.latest: dict[str, float] = {}
        self._curve = curve
        self._pending: tuple[int, Fetch] | None = None
        self._first_bad: tuple[Tensor, Tensor] | None = None

    def see(self, step: int, scalars: Mapping[str, float | Tensor]) -> None:
        """Check on the device whether the loss of this step is finite; does not wait for it."""
        if "loss" not in scalars:
            return
        loss = torch.as_tensor(scalars["loss"]).detach()
        if self._first_bad is None:
            self._first_bad = loss.new_full((), -1.0, dtype=torch.float64), torch.zeros_like(loss)
        at, value = self._first_bad
        bad = ~loss.isfinite() & (at < 0)
        self._first_bad = at.masked_fill(bad, step), torch.where(bad, loss, value)

    def keep(self, step: int, scalars: Mapping[str, float | Tensor]) -> None:
        """Write the previous logged step, and start copying this step's values to the host.

        Raises:
            Diverged: a value of the previous logged step, or a loss up to it, is not finite
        """
        self._write_pending()
        self._pending = step, fetch({**scalars, **self._watched()})

    def settle(self) -> None:
        """Wait for all values so far, so that no diverged state is saved or evaluated.

        Raises:
            Diverged: a logged value or any loss so far is not finite
        """
        self._write_pending()
        _refuse(fetch(self._watched())())

    def _watched(self) -> dict[str, float | Tensor]:
        if self._first_bad is None:
            return {}
        at, value = self._first_bad
        return {"first bad step": at, "its loss": value}

    def _write_pending(self) -> None:
        if self._pending is None:
            return
        (step, values), self._pending = self._pending, None
        numbers = values()
        _refuse(numbers)
        self.latest = self._curve.add(
            step, {name: value for name, value in numbers.items() if name not in self._watched()}
        )


def fetch(scalars: Mapping[str, float | Tensor]) -> Fetch:
    """Start copying scalars to the host.

    Returns:
        a function that waits for the copy and returns the numbers by name
    """
    remote = {name: value for name, value in scalars.items() if isinstance(value, Tensor) and value.is_cuda}
    local = {name: float(value) for name, value in scalars.items() if name not in remote}
    if not remote:
        return lambda: local
    stacked = torch.stack([value.detach().double() for value in remote.values()])
    host = torch.empty(stacked.shape, dtype=stacked.dtype, pin_memory=True)
    host.copy_(stacked, non_blocking=True)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(stacked.device))

    def wait() -> dict[str, float]:
        arrived.synchronize()
        found = dict(zip(remote, host.tolist(), strict=True))
        return {name: found.get(name, local.get(name, 0.0)) for name in scalars}

    return wait


def _refuse(numbers: Mapping[str, float]) -> None:
    step = numbers.get("first bad step", -1.0)
    if step >= 0:
        raise Diverged(f"loss is {numbers['its loss']} at step {step:.0f}")
