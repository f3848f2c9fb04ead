"""The code and the machine that produced the results of a run."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from infoseg_bench.records.record import Provenance

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "h5py", "pillow")


def now() -> str:
    """Return the time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def collect(
    device: torch.device,
    *,
    started: str,
    resumed_from: list[int],
    processes: int = 1,
    compiled: bool = False,
    cuda_graph: bool = False,
    method_source: str = "",
) -> Provenance:
    """Return the provenance of this process's results; call it at the end of a run.

    Args:
        device: where the run computed
        started: ISO 8601 time at which it started
        resumed_from: steps of the checkpoints from which it resumed
        processes: training processes, one per GPU
        compiled: whether the network was compiled
        cuda_graph: whether training steps were CUDA graphs
        method_source: hash of the method's source code
    """
    cuda = device.type == "cuda"
    commit, dirty = _git()
    return Provenance(
        benchmark_version=version("infoseg-bench"),
        git_commit=commit,
        git_dirty=dirty,
        method_source=method_source,
        packages={name: found for name in PACKAGES if (found := _version(name))},
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        cpu=cpu_model(),
        threads=torch.get_num_threads(),
        device=str(device),
        processes=processes,
        compiled=compiled,
        cuda_graph=cuda_graph,
        gpu=torch.cuda.get_device_name(device) if cuda else None,
        cuda=torch.version.cuda if cuda else None,
        deterministic=torch.are_deterministic_algorithms_enabled(),
        command=[Path(sys.argv[0]).name, *(_without_folders(word) for word in sys.argv[1:])],
        started=started,
        finished=now(),
        resumed_from=resumed_from,
    )


def _without_folders(word: str) -> str:
    # Records are published, so the paths of private folders are left out.
    return Path(word).name if "/" in word or "\\" in word else word


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def device_model(device: torch.device) -> str:
    """Return the model of a GPU, or of the processor for any other device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_model()


def cpu_model() -> str:
    """Return the model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _git() -> tuple[str | None, bool | None]:
    checkout = Path(__file__).parents[2]
    # An installed package may be below the checkout of another project.
    if not (checkout / ".git").exists() or not (checkout / "pyproject.toml").exists():
        return None, None
    commit = _run_git(checkout, "rev-parse", "HEAD")
    changes = _run_git(checkout, "status", "--porcelain", "--untracked-files=no")
    return commit, None if changes is None else bool(changes)


def _run_git(checkout: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
