"""Runs under launchers that are killed at random: what is lost, repeated or different, and what it costs.

    python benchmarks/soak.py WORK [--runs 40] [--launchers 3] [--kills 20]

First the suite is run undisturbed. Then `--launchers` commands do it together in one results folder;
each is killed by SIGKILL `--kills` times, half of the times with its workers, and started again. A run
is lost if it has no finished record in the end, repeated if a worker has brought it to its end twice,
differing if a count is not that of the undisturbed run. WORK must not be there yet.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.launchers.processes import kill_tree
from infoseg_bench.launchers.work import Work
from infoseg_bench.planning.plan import plan
from infoseg_bench.planning.planned import look
from infoseg_bench.planning.suite import load_suite
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec

SUITE = """
title = "soak"
datasets = ["synthetic-scenes"]
methods = ["kmeans", "infoseg"]
seeds = {seeds}
[budget]
steps = {steps}
evaluate_every = {every}
[prepare.synthetic-scenes]
images = 8
[parameters.kmeans]
sample = 300
[parameters.infoseg]
P = 8
width = 4
batch = 4
"""


class Launcher:
    """One `infoseg-bench run`, killed and started again until its kills are used up."""

    def __init__(self, argv: list[str], folder: Path, kills: int, mean: float, seed: int) -> None:
        self._argv, self._folder, self._kills, self._mean = argv, folder, kills, mean
        self._random = random.Random(seed)
        self.status: int | None = None
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._argv, cwd=self._folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._kill_at = time.monotonic() + self._random.uniform(0, 2 * self._mean)

    def look(self) -> None:
        """Kill and start it again if it is time to."""
        ended = self._process.poll() is not None
        if self._kills and (ended or time.monotonic() > self._kill_at):
            self._kills -= 1
            if self._random.random() < 0.5:
                kill_tree(self._process.pid)
            self._process.kill()
            self._process.wait()
            self._start()
        elif ended:
            self.status = self._process.returncode


def run_argv(results: Path, jobs: int) -> list[str]:
    """Return the command of one launcher."""
    argv = [sys.executable, "-m", "infoseg_bench", "run", "--all", "--suite", "soak.toml"]
    return [*argv, "--results", str(results), "--device", "cpu", "--jobs", str(jobs)]


def disturbed(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Let the launchers do the suite together under kills."""
    began = time.monotonic()
    launchers = [
        Launcher(run_argv(folder / "soak", 2), folder, options.kills, options.mean, number)
        for number in range(options.launchers)
    ]
    while any(launcher.status is None for launcher in launchers):
        for launcher in launchers:
            if launcher.status is None:
                launcher.look()
        time.sleep(0.05)
    statuses = [launcher.status for launcher in launchers]
    return {"seconds": round(time.monotonic() - began, 1), "exit statuses at the end": statuses}


def compare(folder: Path) -> dict[str, int]:
    """Count runs that are lost, repeated, differing from the undisturbed ones."""
    lost = repeated = differing = resumed = 0
    for path in sorted((folder / "undisturbed" / "runs").iterdir()):
        run = RunFolder(folder / "soak" / "runs" / path.name)
        record = run.record()
        if record is None or record.status != "finished":
            lost += 1
            continue
        resumed += bool(record.provenance.resumed_from)
        lines = run.log_file.read_text(errors="replace").splitlines()
        repeated += sum(line.startswith("PA ") for line in lines) > 1
        with np.load(RunFolder(path).counts_file) as one, np.load(run.counts_file) as other:
            differing += any(not np.array_equal(one[name], other[name]) for name in one.files)
    return {"lost": lost, "repeated": repeated, "differing": differing, "resumed from a checkpoint": resumed}


def overhead(folder: Path, spec: RunSpec, repeats: int) -> list[float]:
    """Measure the seconds from starting a run's worker to its first training step."""
    times = []
    for number in range(repeats):
        work = Work(results=folder / f"overhead-{number}", data=folder / "data", device="cpu")
        run, began = work.folder(spec), time.monotonic()
        process = subprocess.Popen(work.command(spec, threads=1), stdout=subprocess.DEVNULL)
        while process.poll() is None and not any("loss" in line for line in read_curve(run.curve_file)):
            time.sleep(0.01)
        times.append(round(time.monotonic() - began, 2))
        kill_tree(process.pid)
        process.wait()
    return times


def planning(folder: Path, counts: list[int]) -> dict[str, float]:
    """Measure planning suites of which every other run is finished, in seconds."""
    registry, (datasets, _) = load_methods(), prepared_datasets(folder / "data")
    suite, results = load_suite(str(folder / "soak.toml")), folder / "planning"
    record = next(RunFolder(path).record() for path in (folder / "undisturbed" / "runs").glob("*--kmeans--*"))
    assert record is not None
    seconds = {}
    for count in counts:
        grid = suite.model_copy(update={"methods": ["kmeans"], "seeds": list(range(count))})
        for spec in plan(grid, datasets, registry)[::2]:
            path = RunFolder.of(results, spec)
            path.path.mkdir(parents=True, exist_ok=True)
            path.record_file.write_text(record.model_copy(update={"spec": spec}).model_dump_json())
        began = time.monotonic()
        planned = look(plan(grid, datasets, registry), results, lambda name: "")
        assert sum(run.state == "finished" for run in planned) == (count + 1) // 2
        seconds[str(count)] = round(time.monotonic() - began, 3)
    shutil.rmtree(results)
    return seconds


def main() -> None:
    """Soak, and print everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--launchers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20, help="of every launcher")
    parser.add_argument(
        "--mean", type=float, default=10.0, help="mean seconds between two kills of a launcher"
    )
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--plans", type=int, nargs="+", default=[10, 100, 1000, 10_000])
    options = parser.parse_args()
    folder = options.work.resolve()
    folder.mkdir(parents=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    seeds = list(range((options.runs + 1) // 2))
    suite = SUITE.format(seeds=seeds, steps=options.steps, every=max(1, options.steps // 2))
    (folder / "soak.toml").write_text(suite)
    began = time.monotonic()
    subprocess.run(run_argv(folder / "undisturbed", 2), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = {
        "runs": 2 * len(seeds),
        "undisturbed seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(found), flush=True)
    found["planning seconds"] = planning(folder, options.plans)
    print(json.dumps(found["planning seconds"]), flush=True)
    path = next((folder / "undisturbed" / "runs").glob("*--infoseg--*"))
    found["start to first step, seconds"] = overhead(folder, RunFolder(path).spec(), 3)
    print(json.dumps(found["start to first step, seconds"]), flush=True)
    found["disturbed"] = disturbed(folder, options)
    print(json.dumps({**found, "kills": options.kills * options.launchers, **compare(folder)}, indent=2))


if __name__ == "__main__":
    main()
