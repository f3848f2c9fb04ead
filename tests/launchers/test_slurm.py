"""Runs as jobs of a real one-node Slurm: preempted, orphaned and stopped, they end as a local run does."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.errors import UserError
from infoseg_bench.launchers.resources import SlurmResources
from infoseg_bench.launchers.slurm import SlurmEngine
from infoseg_bench.launchers.slurm_jobs import JOB_FILE
from infoseg_bench.launchers.slurm_queue import SlurmQueue
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec
from tests.launchers.slow_runs import (
    assert_same_counts,
    brake,
    do_undisturbed,
    launch,
    make_specs,
    reached,
    resumed,
    wait_for_others,
    wait_until,
)
from tests.launchers.slurm_node import slurm_node, why_not
from tests.launchers.test_local import Acting, Noting, Scripted, make_spec, press_twice

pytest.importorskip("submitit", reason="needs the extra slurm")

ON_SLURM = ["--engine", "slurm", "--seeds", "0-1", "--slurm", "cpus=1", "--slurm", "mem_gb=0.3",
            "--slurm", "minutes=30"]  # fmt: skip


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with slurm_node() as variables, pytest.MonkeyPatch.context() as patch:
        for name in ("PATH", "SLURM_CONF"):
            patch.setenv(name, variables[name])
        yield


def ask(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def job(run: RunFolder) -> str:
    return str(json.loads((run.path / JOB_FILE).read_text())["job"])


@pytest.mark.usefixtures("slurm")
def test_preempted_orphaned_and_stopped_jobs_of_an_array_end_as_if_nothing_had_been(tmp_path: Path) -> None:
    specs = make_specs(tmp_path, 2)
    first, second = runs = [RunFolder.of(tmp_path / "results", spec) for spec in specs]
    expected = do_undisturbed(tmp_path, specs)

    brake(tmp_path, 20)
    with launch(tmp_path, *ON_SLURM) as launcher:
        wait_until(lambda: all(reached(run) >= 20 for run in runs), launcher)
        launcher.kill()
    jobs, workers = [job(run) for run in runs], [run.status()["pid"] for run in runs]
    assert len({name.partition("_")[0] for name in jobs}) == 1
    # Slurm's warning of a time limit or a preemption, and a preemption without one.
    ask("scancel", "--signal=USR2", jobs[0])
    ask("scontrol", "requeue", jobs[1])

    with launch(tmp_path, *ON_SLURM) as launcher:
        wait_for_others(workers, runs)
        further = 20 + max(reached(run) for run in runs)
        brake(tmp_path, further)
        wait_until(lambda: all(reached(run) >= further for run in runs), launcher)
        assert [job(run) for run in runs] == jobs
        launcher.send_signal(signal.SIGINT)
        _, errors = launcher.communicate(timeout=600)
    assert launcher.returncode == 130, errors
    assert "Interrupted. Run the same command again to resume." in errors
    assert [run.state() for run in runs] == ["interrupted", "interrupted"]
    assert "infoseg" not in ask("squeue", "--noheader", "--format=%j")

    brake(tmp_path, None)
    with launch(tmp_path, *ON_SLURM) as launcher:
        _, errors = launcher.communicate(timeout=600)
    assert launcher.returncode == 0, errors
    assert [resumed(run) for run in runs] == [2, 2]
    assert_same_counts(expected[0], first)
    assert_same_counts(expected[1], second)


SMALL: dict[str, Any] = {"gpus": 0, "cpus": 1, "mem_gb": 0.3, "minutes": 30}


def engine(
    folder: Path, script: str, watcher: Noting, resources: Callable[[RunSpec], SlurmResources] | None = None
) -> SlurmEngine:
    return SlurmEngine(
        work=Scripted(results=folder, data=folder, script="import os, signal, sys, time\n" + script),
        watcher=watcher, scheduler=SlurmQueue(folder / "slurm"),
        resources=resources or (lambda spec: SlurmResources(**SMALL)), queue_seconds=0.5, grace_seconds=0.0,
    )  # fmt: skip


DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1] + "/status.json", "w").write('{"state": "running"}')
time.sleep(600)
"""


@pytest.mark.usefixtures("slurm")
def test_a_second_ctrl_c_cancels_jobs_that_do_not_hear_the_first(tmp_path: Path) -> None:
    doing = engine(tmp_path, DEAF, Acting(press_twice))
    (outcome,) = doing.run([make_spec()])
    assert doing.stopped
    assert outcome.ending == "interrupted"
    wait_until(lambda: ask("squeue", "--noheader", "--format=%j") == "")


@pytest.mark.usefixtures("slurm")
def test_a_job_that_somebody_cancels_fails_alone_and_says_so(tmp_path: Path) -> None:
    watcher = Acting(lambda: ask("scancel", "--signal=KILL", job(RunFolder.of(tmp_path, make_spec()))))
    (outcome,) = engine(tmp_path, DEAF, watcher).run([make_spec()])
    assert outcome.ending == "failed"
    assert "ended unexpectedly: " in outcome.reason


@pytest.mark.usefixtures("slurm")
def test_runs_of_other_needs_are_jobs_of_other_arrays(tmp_path: Path) -> None:
    needs: list[str] = []

    def look() -> None:
        needs.extend(ask("squeue", "--noheader", "--array", "--format=%C %m", "--sort=C").split())

    def resources(spec: RunSpec) -> SlurmResources:
        return SlurmResources(gpus=0, cpus=1 + spec.seed, mem_gb=0.25 * (1 + spec.seed), minutes=30)

    doing = engine(tmp_path, DEAF.replace("600", "3"), Acting(look), resources)
    doing.run([make_spec(seed) for seed in range(2)])
    assert needs == ["1", "256M", "2", "512M"]
    # Slurm's daemons leave what has not ended when they do.
    wait_until(lambda: ask("squeue", "--noheader", "--format=%j") == "")


@pytest.mark.usefixtures("slurm")
def test_what_sbatch_refuses_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="invalid partition specified: nowhere") as raised:
        engine(tmp_path, DEAF, Noting(), lambda spec: SlurmResources(**SMALL, partition="nowhere")).run(
            [make_spec()]
        )
    assert "\n" not in str(raised.value)
