"""Measurements of `infoseg-bench speed` on this machine, saved for estimates of the time of runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path

from infoseg_bench.contracts import Task
from infoseg_bench.planning.cost import StepCost
from infoseg_bench.records.provenance import device_model
from infoseg_bench.utils.atomic import write_bytes

logger = logging.getLogger(__name__)


def work_key(method: str, version: int, parameters: Mapping[str, Any], task: Task) -> str:
    """Return a text that is equal for training steps with equal work."""
    sizes = task.channels, task.crop, task.clusters
    return f"{method} {version} {sizes} {json.dumps(dict(parameters), sort_keys=True)}"


class StepTimes:
    """A file in the user's cache folder with costs by device and work.

    Times on a CPU are saved for one thread, assuming that steps scale with the number of threads.
    """

    def __init__(self, device: torch.device, threads: int) -> None:
        """Choose the device, and the number of CPU threads per step."""
        self._device = device_model(device)
        self._threads = float(threads) if device.type == "cpu" else 1.0

    def get(self, key: str) -> StepCost | None:
        """Return the cost of work on the device; None if it has not been measured."""
        cost = self._read().get(self._device, {}).get(key)
        return None if cost is None else self._scaled(StepCost(**cost), 1 / self._threads)

    def put(self, key: str, cost: StepCost) -> None:
        """Save the cost of work on the device; if the folder is not writable, log a warning."""
        times = self._read()
        times.setdefault(self._device, {})[key] = asdict(self._scaled(cost, self._threads))
        try:
            self.path().parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.path(), json.dumps(times, indent=1).encode())
        except OSError as error:
            logger.warning("%s is not writable: measured times are not saved (%s)", self.path(), error)

    @staticmethod
    def path() -> Path:
        """Return the path of the file."""
        return user_cache_path("infoseg-bench") / "step-times.json"

    @staticmethod
    def _scaled(cost: StepCost, factor: float) -> StepCost:
        return replace(cost, step=cost.step * factor, image=cost.image * factor)

    def _read(self) -> dict[str, dict[str, dict[str, float]]]:
        try:
            times = json.loads(self.path().read_text())
        except (OSError, ValueError):
            return {}
        return times if isinstance(times, dict) else {}
