"""Shapes and types are checked on every call while testing, and every test draws the same numbers.

Several processes share the tests, and tiny networks only wait for each other on several threads.
"""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

# What is imported and collected stays, and searching it for garbage takes seconds.
gc.disable()
install_import_hook("infoseg_bench", "beartype.beartype")

from infoseg_bench.utils.cores import usable_cores  # noqa: E402 (what is imported before is not checked)

torch.set_num_threads(1)
# A machine that is busy fails no test.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

SLOW = ("benchmarks", "fake_cuda", "launchers", "runs", "cli", "examples", "docs", "reporting", "training")
"""Folders with the longest files: first, so that no process ends long after the others."""
MOST_PROCESSES = 8
"""Each needs about a gigabyte of memory."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes: one more than cores, because many tests wait for processes."""
    return min(MOST_PROCESSES, usable_cores() + 1)


def pytest_configure(config: pytest.Config) -> None:
    """Keep tests, and the processes that they start, on one thread and off GPUs, unless asked for: -m gpu.

    The others ask for the CPU's bits.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    # Otherwise each of the processes that tests start would compile the package anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # A script's processes in the background ignore SIGINT, and so would those that tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "gpu" not in config.option.markexpr:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files for the workers, which take them one by one, and skip the GPU's tests without one."""
    ranks = {name: rank for rank, name in enumerate(SLOW)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(SLOW)))
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a GPU, and pytest -m gpu"))


def pytest_collection_finish() -> None:
    """Let the collector search for garbage again, but only in what tests make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests and their processes cache out of the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_runtest_setup() -> None:
    """Seed networks that a test makes without saying so: a failure must come back when asked for."""
    torch.manual_seed(0)
