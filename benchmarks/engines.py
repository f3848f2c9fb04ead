"""Overhead of the engines: the same small runs through each of them, beside the bare worker.

python benchmarks/engines.py --data DIR --dataset NAME local ray slurm
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

STEPS = 50
OPTIONS = {
    "local": [],
    "ray": ["--engine", "ray"],
    "slurm": ["--engine", "slurm", "--slurm", "cpus=1", "--slurm", "mem_gb=0.3", "--slurm", "minutes=30"],
}


def timed(words: list[str], results: Path) -> tuple[float, float]:
    """Run a command; seconds to the first line of the only run's curve, and to its end."""
    began, first = time.monotonic(), [float("nan")]
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            if any(path.stat().st_size for path in results.glob("runs/*/curve.jsonl")):
                first[0] = time.monotonic() - began
                return
            time.sleep(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    total = time.monotonic() - began
    over.set()
    thread.join()
    if done.returncode:
        raise SystemExit(done.stderr)
    return first[0], total


def run_command(data: Path, dataset: str, results: Path) -> list[str]:
    """Give the words of a run of few steps."""
    sizes = [word for size in ("width=4", "P=8", "batch=4") for word in ("--set", f"infoseg.{size}")]
    words = [sys.executable, "-m", "infoseg_bench", "run", "--dataset", dataset, "--method", "infoseg"]
    return [
        *words,
        "--steps",
        str(STEPS),
        "--device",
        "cpu",
        *sizes,
        "--data",
        str(data),
        "--results",
        str(results),
    ]


def bare(data: Path, planned: Path, results: Path) -> tuple[float, float]:
    """Time the worker alone, on the spec that an engine's run has left."""
    (spec,) = planned.glob("runs/*/spec.json")
    folder = results / "runs" / spec.parent.name
    folder.mkdir(parents=True)
    (folder / "spec.json").write_bytes(spec.read_bytes())
    words = [sys.executable, "-m", "infoseg_bench.runs.worker", str(folder), "--data", str(data)]
    return timed([*words, "--device", "cpu", "--threads", "1"], results)


def main() -> None:
    """Print a line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="+", choices=sorted(OPTIONS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    options = parser.parse_args()
    print("engine  first step (s)  total (s)  bare worker: first step (s)  total (s)")
    for engine in options.engines:
        with tempfile.TemporaryDirectory() as name:
            results = Path(name) / "engine"
            words = run_command(options.data.resolve(), options.dataset, results) + OPTIONS[engine]
            first, total = timed(words, results)
            alone = bare(options.data.resolve(), results, Path(name) / "bare")
        print(f"{engine:<7} {first:14.1f} {total:10.1f} {alone[0]:28.1f} {alone[1]:10.1f}", flush=True)


if __name__ == "__main__":
    main()
