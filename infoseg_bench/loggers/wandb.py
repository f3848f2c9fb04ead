"""Weights & Biases runs, offline unless WANDB_MODE is set to another mode."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infoseg_bench.loggers.logger import RunLog
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.extras import extra

PROJECT = "infoseg-bench"


class WandbLogger:
    """Logs every run to the project `infoseg-bench`; `wandb sync` uploads offline runs."""

    def __init__(self, place: str) -> None:
        """Create the logger; W&B writes its folder `wandb` into `place`.

        Raises:
            UsageError: W&B is not installed
        """
        # By default W&B sends reports of its errors to a third party.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self._wandb = extra("wandb", "wandb")
        self._out = Path(place)

    def open(self, spec: RunSpec) -> RunLog:
        """Start a W&B run; an earlier offline run of the same identity is deleted."""
        self._out.mkdir(parents=True, exist_ok=True)
        for old in self._out.glob(f"wandb/offline-run-*-{spec.identity}"):
            shutil.rmtree(old)
        run = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            mode=os.environ.get("WANDB_MODE", "offline"),
            dir=str(self._out),
            id=spec.identity,
            name=spec.folder,
            group=f"{spec.dataset} {spec.method}",
            config={"dataset": spec.dataset, "method": spec.method, "seed": spec.seed, **spec.settings},
            reinit="create_new",  # several runs are logged at a time
            settings=self._wandb.Settings(silent=True, console="off", disable_git=True, save_code=False),
        )
        return _WandbRun(run)


class _WandbRun:
    def __init__(self, run: Any) -> None:
        self._run = run

    def add(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def flush(self) -> None:
        """Do nothing: W&B writes in the background."""

    def close(self, state: str) -> None:
        self._run.finish(exit_code=0 if state == "finished" else 1)
