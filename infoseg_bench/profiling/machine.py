"""Checks of the installation and the machine for `infoseg-bench doctor`."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil
import torch
from filelock import FileLock
from packaging.requirements import Requirement

from infoseg_bench.contracts.registry import load_methods, load_recipes
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.planning.data import outdated
from infoseg_bench.records.provenance import cpu_model
from infoseg_bench.utils.cores import usable_cores
from infoseg_bench.utils.text import readable_size

PACKAGE = "infoseg-bench"
OPTIONAL = {
    "slurm": "submitit",
    "ray": "ray",
    "tensorboard": "tensorboard",
    "mlflow": "mlflow-skinny",
    "wandb": "wandb",
    "tiff": "imagecodecs",
}
"""Extras of this package, and the main package that each one installs."""
LITTLE_DISK = 2**30
"""Minimum free disk space in bytes, for checkpoints and counts; chosen by this project."""
LITTLE_MEMORY = 2 * 2**30
"""Minimum available memory in bytes; a small run takes about 1 GiB. Chosen by this project."""


@dataclass
class Diagnosis:
    """The result of `diagnose`.

    Attributes:
        sections: facts, each with name and value, by title of the section
        problems: problems with their remedies, one line each
    """

    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def diagnose(data: Path, results: Path) -> Diagnosis:
    """Check the installation, the machine and two folders, without changing them.

    Args:
        data: folder of the prepared data sets
        results: folder of the runs
    """
    found = Diagnosis()
    found.sections["Versions"] = {PACKAGE: version(PACKAGE), "Python": platform.python_version()}
    found.sections["Versions"].update(_required(found.problems))
    found.sections["Optional"] = _optional(found.problems)
    found.sections["Machine"] = _machine(found.problems)
    found.sections["Device"] = _device(found.problems)
    found.sections["Folders"] = {str(folder): _folder(folder, found.problems) for folder in (data, results)}
    found.sections["Data sets"] = _stores(data, found.problems)
    for registry in (load_methods(), load_recipes()):
        found.problems += [
            f"plug-in {name} cannot be loaded: {reason}: repair or uninstall its package"
            for name, reason in registry.broken.items()
        ]
    return found


def _required(problems: list[str]) -> dict[str, str]:
    needed = [Requirement(text) for text in requires(PACKAGE) or []]
    return dict(_versions([each for each in needed if each.marker is None], problems))


def _versions(needed: list[Requirement], problems: list[str]) -> Iterator[tuple[str, str]]:
    for requirement in needed:
        try:
            there = version(requirement.name)
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is missing: pip install '{requirement}'")
            continue
        if not requirement.specifier.contains(there, prereleases=True):
            problems.append(f"{requirement.name} {there} is too old: pip install '{requirement}'")
        yield requirement.name, there


def _optional(problems: list[str]) -> dict[str, str]:
    needed = {Requirement(text).name: Requirement(text) for text in requires(PACKAGE) or []}
    facts = {}
    for extra, package in OPTIONAL.items():
        try:
            facts[f"{package} [{extra}]"] = version(package)
        except PackageNotFoundError:
            facts[f"{package} [{extra}]"] = f"not installed (pip install '{PACKAGE}[{extra}]')"
        else:
            bare = Requirement(f"{package}{needed[package].specifier}")
            dict(_versions([bare], problems))
    facts["sbatch"] = shutil.which("sbatch") or "not found"
    return facts


def _machine(problems: list[str]) -> dict[str, str]:
    memory = psutil.virtual_memory()
    if memory.available < LITTLE_MEMORY:
        problems.append(
            f"only {readable_size(memory.available)} of memory is available: close other programs, or run "
            "with --jobs 1"
        )
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": cpu_model(),
        "cores": f"{usable_cores()} usable of {os.cpu_count()}",
        "memory": f"{readable_size(memory.available)} available of {readable_size(memory.total)}",
    }


def _device(problems: list[str]) -> dict[str, str]:
    built = torch.version.cuda
    facts = {"torch": f"{torch.__version__}, built {f'for CUDA {built}' if built else 'without CUDA'}"}
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts[f"cuda:{index}"] = _gpu(index, problems)
    if not torch.cuda.is_available():
        facts["GPU"] = "none that torch can use; runs use the CPU"
        if shutil.which("nvidia-smi"):
            remedy = (
                f"update the NVIDIA driver to one for CUDA {built}, or see https://pytorch.org/get-started"
                if built
                else "install a CUDA build, see https://pytorch.org/get-started"
            )
            problems.append(
                f"there is an NVIDIA driver, but torch {torch.__version__} finds no GPU: {remedy}"
            )
    return facts


def _gpu(index: int, problems: list[str]) -> str:
    properties = torch.cuda.get_device_properties(index)
    try:
        torch.ones(8, device=f"cuda:{index}").sum().item()
        free, total = torch.cuda.mem_get_info(index)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        problems.append(f"cuda:{index} ({properties.name}) does not work: {reason}: see `nvidia-smi`")
        return f"{properties.name}, does not work"
    return f"{properties.name}, {readable_size(free)} free of {readable_size(total)}"


def _folder(folder: Path, problems: list[str]) -> str:
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < LITTLE_DISK:
        problems.append(f"{folder}: only {readable_size(free)} is free on its disk: free some space")
    state = "" if there == folder else "does not exist yet, "
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".doctor-", dir=there) as scratch,
            FileLock(Path(scratch) / "lock", timeout=5),
        ):
            pass
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        problems.append(f"{folder}: files cannot be written or locked ({reason}): use another folder")
        return f"{state}not usable"
    return f"{state}{readable_size(free)} free"


def _stores(data: Path, problems: list[str]) -> dict[str, str]:
    stores, unreadable = prepared_datasets(data)
    problems += [*unreadable, *outdated(stores.values(), load_recipes())]
    return {
        name: f"{prepared.store.photos} photos, {readable_size(prepared.store.path.stat().st_size)}"
        for name, prepared in stores.items()
    }
