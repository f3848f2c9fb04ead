"""Overhead of the engines: a run's start to its first training step, beside the bare worker's.

The same small runs, one at a time, through each engine. Without a Slurm of this machine's, one node of
the tests is started (as root, with Debian's slurm-wlm and munge).

python -m benchmarks.engines --data DIR --dataset NAME local ray slurm
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from infoseg_bench.launchers.work import Work
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.utils.cores import usable_cores

# Two cores are slow on a small network; this method's steps wait.
METHOD, STEPS = Path(__file__).parents[1] / "tests" / "launchers" / "slow_method.py", 20
# All cores for every run, so that one is at work at a time.
OPTIONS = {
    "local": ["--jobs", "1"],
    "ray": ["--engine", "ray", "--ray", f"cpus={usable_cores()}"],
    "slurm": ["--engine", "slurm", "--slurm", f"cpus={usable_cores()}", "--slurm", "mem_gb=0.5",
              "--slurm", "minutes=30"],
}  # fmt: skip


def command(data: Path, dataset: str, results: Path, repeats: int) -> list[str]:
    """Return the argv of a few runs of few steps."""
    argv = [sys.executable, "-m", "infoseg_bench", "run", "--dataset", dataset, "--method", "slow"]
    argv += [
        "--plugin",
        str(METHOD),
        "--steps",
        str(STEPS),
        "--seeds",
        f"0-{repeats - 1}",
        "--device",
        "cpu",
    ]
    return [*argv, "--data", str(data), "--results", str(results)]


def timed(argv: list[str], results: Path) -> tuple[float, list[float]]:
    """Run a command.

    Returns:
        seconds from its start to the first step of its first run, and from every run's end to the next's
        first step
    """
    began, first, last = time.monotonic(), dict[str, float](), dict[str, float]()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output)
        while process.poll() is None:
            for path in results.glob("runs/*"):
                run = RunFolder(path)
                if path.name not in first and any("loss" in line for line in read_curve(run.curve_file)):
                    first[path.name] = time.monotonic()
                if path.name not in last and run.record_file.exists():
                    last[path.name] = time.monotonic()
            time.sleep(0.02)
        output.seek(0)
        if process.returncode:
            raise SystemExit(output.read().decode())
    starts, ends = sorted(first.values()), sorted(last.values())
    return starts[0] - began, [start - end for end, start in zip(ends, starts[1:], strict=False)]


def bare(data: Path, planned: Path, results: Path) -> float:
    """Return the seconds of the worker alone from its start to its first step, on a run that was planned."""
    work = Work(results=results, data=data, device="cpu", plugins=[METHOD])
    spec = RunFolder(next(planned.glob("runs/*"))).spec()
    work.folder(spec)
    return timed(work.command(spec, threads=usable_cores()), results)[0]


def main() -> None:
    """Print a line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("engines", nargs="+", choices=sorted(OPTIONS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--repeats", type=int, default=3, help="runs of every engine")
    options = parser.parse_args()
    data = options.data.resolve()
    with ExitStack() as stack:
        if (
            "slurm" in options.engines
            and subprocess.run(["sinfo"], capture_output=True, check=False).returncode
        ):
            from tests.launchers.slurm_node import slurm_node

            os.environ.update(stack.enter_context(slurm_node()))
        print("seconds  command to first step  run's end to the next's first step  bare worker to first step")
        for engine in options.engines:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            argv = command(data, options.dataset, folder / "engine", options.repeats) + OPTIONS[engine]
            first, others = timed(argv, folder / "engine")
            alone = statistics.median(
                bare(data, folder / "engine", folder / f"bare-{number}") for number in range(options.repeats)
            )
            print(f"{engine:<7} {first:22.1f} {statistics.median(others):35.1f} {alone:26.1f}", flush=True)


if __name__ == "__main__":
    main()
