"""The Slurm engine's jobs by submitit's own local executor, where there is no Slurm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.engines.resources import SlurmShare
from infoseg_bench.engines.slurm import SlurmEngine
from infoseg_bench.engines.slurm_task import Task
from infoseg_bench.engines.watch import PlainWatcher
from infoseg_bench.engines.work import Work
from infoseg_bench.runs.folder import RunFolder
from tests.cli.commands import SMALL_INFOSEG, infoseg_bench, prepare_photos

submitit = pytest.importorskip("submitit", reason="needs the extra slurm")

RUN = ["run", "--dataset", "mine", "--method", "infoseg", "--steps", "2", "--device", "cpu", *SMALL_INFOSEG]


class LocalQueue:
    """Jobs of this machine, told and asked through submitit."""

    def __init__(self, logs: Path) -> None:
        self._executor = submitit.LocalExecutor(logs)
        self._jobs = dict[str, Any]()

    def submit(self, tasks: Sequence[Task], share: SlurmShare) -> list[str]:
        self._executor.update_parameters(timeout_min=share.minutes)
        jobs = [self._executor.submit(task) for task in tasks]
        self._jobs.update({job.job_id: job for job in jobs})
        return [job.job_id for job in jobs]

    def states(self) -> dict[str, str]:
        return {name: "COMPLETED" if job.done() else "RUNNING" for name, job in self._jobs.items()}

    def stop(self, jobs: Sequence[str], *, now: bool) -> None:
        for name in jobs:
            self._jobs[name].cancel()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare_photos(tmp_path, count=4)
    assert infoseg_bench(tmp_path, *RUN, "--results", "planned").returncode == 0
    return tmp_path


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_job_finishes_its_run_and_one_that_fails_says_why(folder: Path) -> None:
    (planned,) = (RunFolder(path) for path in (folder / "planned" / "runs").iterdir())
    spec = planned.spec()
    lost = spec.model_copy(update={"dataset": "absent"})
    work = Work(results=folder / "results", data=folder / "data", device="cpu")
    queue = LocalQueue(folder / "logs")
    engine = SlurmEngine(
        work=work, queue=queue, share=lambda spec: SlurmShare(cpus=1), watcher=PlainWatcher(2),
        queue_seconds=0.0, grace_seconds=0.0,
    )  # fmt: skip
    endings = {outcome.spec.dataset: outcome for outcome in engine.run([spec, lost])}
    assert endings["mine"].ending == "finished", endings
    assert endings["absent"].ending == "failed"
    assert "absent" in endings["absent"].reason
