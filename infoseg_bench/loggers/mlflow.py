"""MLflow runs, in a local folder or on a tracking server."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infoseg_bench.loggers.logger import RunLog
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.extras import extra

EXPERIMENT = "infoseg-bench"
IDENTITY = "infoseg_bench.identity"
"""Tag of an MLflow run that contains the run's identity."""
ENDINGS = {"finished": "FINISHED", "failed": "FAILED"}
"""MLflow's names for the states of a run; all other states are KILLED."""


class MLflowLogger:
    """Logs every run to the experiment `infoseg-bench`, with its settings as MLflow parameters."""

    def __init__(self, place: str) -> None:
        """Create the logger; `place` is a folder or a tracking server, such as "http://localhost:5000".

        Raises:
            UsageError: MLflow is not installed
        """
        extra("mlflow", "mlflow")
        from mlflow import MlflowClient

        # MLflow 3.7 and later refuse a plain folder without this.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        address = place if "://" in place else Path(place).resolve().as_uri()
        self._client = MlflowClient(tracking_uri=address)
        found = self._client.get_experiment_by_name(EXPERIMENT)
        self._experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)

    def open(self, spec: RunSpec) -> RunLog:
        """Start an MLflow run; an earlier one of the same identity is deleted."""
        old = self._client.search_runs(
            [self._experiment], filter_string=f"tags.`{IDENTITY}` = '{spec.identity}'"
        )
        for run in old:
            self._client.delete_run(run.info.run_id)
        run = self._client.create_run(self._experiment, tags={IDENTITY: spec.identity}, run_name=spec.folder)
        settings = {"dataset": spec.dataset, "method": spec.method, "seed": spec.seed, **spec.settings}
        for name, value in settings.items():
            self._client.log_param(run.info.run_id, name, value)
        return _MLflowRun(self._client, run.info.run_id)


class _MLflowRun:
    def __init__(self, client: Any, run_id: str) -> None:
        self._client, self._id = client, run_id
        self._metrics: list[Any] = []

    def add(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        self._metrics += [Metric(name, value, now, step) for name, value in values.items()]

    def flush(self) -> None:
        # A tracking server takes at most 1 000 metrics in one request.
        for start in range(0, len(self._metrics), 1000):
            self._client.log_batch(self._id, metrics=self._metrics[start : start + 1000])
        self._metrics = []

    def close(self, state: str) -> None:
        self.flush()
        self._client.set_terminated(self._id, ENDINGS.get(state, "KILLED"))
