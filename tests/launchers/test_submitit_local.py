"""The Slurm engine's jobs by submitit's own local executor, where there is no Slurm."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.errors import UserError
from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.processes import descendants
from infoseg_bench.launchers.queue import Waiting
from infoseg_bench.launchers.resources import SlurmResources
from infoseg_bench.launchers.slurm import SlurmEngine
from infoseg_bench.launchers.slurm_jobs import Scheduler
from infoseg_bench.launchers.slurm_task import Task
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import RunFolder
from tests.launchers.slow_runs import (
    Disturbing,
    assert_same_counts,
    do_undisturbed,
    make_specs,
    make_work,
    resumed,
)
from tests.launchers.test_local import Noting, Scripted, make_spec

submitit = pytest.importorskip("submitit", reason="needs the extra slurm")


class LocalScheduler:
    """Jobs of this machine, told and asked through submitit."""

    def __init__(self, logs: Path) -> None:
        self._executor, self.jobs = submitit.LocalExecutor(logs), dict[str, Any]()

    def submit(self, tasks: Sequence[Task], resources: SlurmResources) -> list[str]:
        self._executor.update_parameters(timeout_min=resources.minutes)
        jobs = self._executor.submit_array(tasks)
        self.jobs.update({job.job_id: job for job in jobs})
        return [job.job_id for job in jobs]

    def states(self) -> dict[str, str]:
        return {name: "COMPLETED" if job.done() else "RUNNING" for name, job in self.jobs.items()}

    def stop(self, jobs: Sequence[str], *, now: bool) -> None:
        for name in jobs:
            self.jobs[name].cancel()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[LocalScheduler]:
    made = LocalScheduler(tmp_path / "jobs")
    yield made
    for job in made.jobs.values():
        job._process.wait()


def engine(work: Work, scheduler: Scheduler, watcher: Noting, **limits: Any) -> SlurmEngine:
    return SlurmEngine(
        work=work, watcher=watcher, limits=Limits(**limits), scheduler=scheduler,
        resources=lambda spec: SlurmResources(cpus=1), queue_seconds=0.0, grace_seconds=0.0,
    )  # fmt: skip


def scripted(tmp_path: Path, script: str) -> Scripted:
    return Scripted(results=tmp_path, data=tmp_path, script="import os, sys, time\n" + script)


def test_a_preempted_run_queues_again_and_ends_as_if_it_had_not_been(
    tmp_path: Path, scheduler: LocalScheduler
) -> None:
    specs = make_specs(tmp_path, 1)
    (expected,) = do_undisturbed(tmp_path, specs)

    def preempt() -> None:
        (job,) = scheduler.jobs
        os.kill(descendants(int(job))[0], signal.SIGUSR2)

    watcher = Disturbing(tmp_path, preempt, step=20)
    (outcome,) = engine(make_work(tmp_path, "results"), scheduler, watcher).run(specs)
    assert outcome.ending == "finished", outcome.reason
    found = RunFolder.of(tmp_path / "results", specs[0])
    assert_same_counts(expected, found)
    assert resumed(found) == 1


@pytest.mark.parametrize("lingering", [False, True])
def test_one_job_fails_and_says_why_and_the_other_is_tried_again(
    tmp_path: Path, scheduler: LocalScheduler, monkeypatch: pytest.MonkeyPatch, *, lingering: bool
) -> None:
    if lingering:
        monkeypatch.setattr(scheduler, "states", lambda: dict.fromkeys(scheduler.jobs, "COMPLETING"))
    script = (
        "if 'seed1' in sys.argv[1]: print('no such thing', flush=True); sys.exit(1)\n"
        "f = sys.argv[1] + '/once'\nif not os.path.exists(f): open(f, 'w'); os.kill(os.getpid(), 9)\n"
    )
    watcher = Noting()
    doing = engine(scripted(tmp_path, script), scheduler, watcher, retries=1)
    outcomes = doing.run([make_spec(seed) for seed in range(2)])
    endings = {outcome.spec.seed: outcome for outcome in outcomes}
    assert (endings[0].ending, endings[1].ending) == ("finished", "failed")
    assert "exit status 1; last output: no such thing" in endings[1].reason
    assert ["SIGKILL" in reason for reason in watcher.retried] == [True]
    assert len(scheduler.jobs) == 3


def test_a_job_beyond_its_time_limit_fails_and_is_not_tried_again(
    tmp_path: Path, scheduler: LocalScheduler
) -> None:
    watcher = Noting()
    doing = engine(scripted(tmp_path, "time.sleep(600)"), scheduler, watcher, seconds=1.0)
    (outcome,) = doing.run([make_spec()])
    assert "time limit of 1 s" in outcome.reason
    assert watcher.retried == []


def test_a_launcher_finds_the_jobs_of_one_that_was_killed(tmp_path: Path, scheduler: LocalScheduler) -> None:
    script = "print('here', flush=True)\nopen(sys.argv[1] + '/begun', 'w')\ntime.sleep(3)"
    work, spec = scripted(tmp_path, script), make_spec()
    killed = engine(work, scheduler, Noting())
    killed.jobs.make([Waiting(spec)])
    (outcome,) = engine(work, scheduler, Noting()).run([spec])
    assert outcome.ending == "finished"
    assert RunFolder.of(tmp_path, spec).log_file.read_text().count("here") == 1
    assert len(scheduler.jobs) == 1


def test_a_job_that_needed_more_memory_says_how_to_give_it(
    tmp_path: Path, scheduler: LocalScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "states", lambda: dict.fromkeys(scheduler.jobs, "OUT_OF_MEMORY"))
    doing = engine(scripted(tmp_path, "time.sleep(2)"), scheduler, Noting(), retries=1)
    (outcome,) = doing.run([spec := make_spec()])
    assert outcome.ending == "failed"
    assert f"OUT_OF_MEMORY; try more memory: --slurm {spec.method}.mem_gb=N" in outcome.reason


def test_whether_jobs_are_still_there_is_not_guessed(tmp_path: Path, scheduler: LocalScheduler) -> None:
    doing, spec = engine(scripted(tmp_path, ""), scheduler, Noting()), make_spec()
    doing.run([spec])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler, "states", lambda: None)
        with pytest.raises(UserError, match="does not respond"):
            doing.run([spec])
