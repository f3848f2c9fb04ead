"""What a method tells of its steps, followed without making a GPU wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from infoseg_bench.records.curve import Curve, Diverged

Fetch = Callable[[], dict[str, float]]


class StepLog:
    """Writes the curve one logged step late, when the values have long been on the host.

    The loss of every step is watched, on the device where it is: whatever happens between two
    logged steps, the first step whose loss was not finite is known when the log is next settled.

    Attributes:
        latest: the values written last
    """

    def __init__(self, curve: Curve) -> None:
        """Start with nothing seen."""
        self.latest: dict[str, float] = {}
        self._curve = curve
        self._pending: tuple[int, Fetch] | None = None
        self._first_bad: tuple[Tensor, Tensor] | None = None

    def see(self, step: int, scalars: Mapping[str, float | Tensor]) -> None:
        """Note whether the loss of this step is finite; never waits."""
        if "loss" not in scalars:
            return
        loss = torch.as_tensor(scalars["loss"]).detach()
        if self._first_bad is None:
            self._first_bad = loss.new_full((), -1.0, dtype=torch.float64), torch.zeros_like(loss)
        at, value = self._first_bad
        bad = ~loss.isfinite() & (at < 0)
        self._first_bad = at.masked_fill(bad, step), torch.where(bad, loss, value)

    def keep(self, step: int, scalars: Mapping[str, float | Tensor]) -> None:
        """Write the previous logged step, and set this one's values on their way to the host.

        Raises:
            Diverged: a value of the previous logged step, or a loss up to it, is not finite
        """
        self._write_pending()
        self._pending = step, fetch({**scalars, **self._watched()})

    def settle(self) -> None:
        """Wait for all that was seen: what is saved or evaluated next is known to be sound.

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
        a function that waits for them and gives them as numbers
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
