"""Parallel maps over all cores, in threads or in processes, with results in order."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from infoseg_bench.utils.cores import usable_cores
from infoseg_bench.utils.progress import ProgressFactory

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_PER_WORKER = 2
"""Items submitted ahead per core; chosen by this project: one in progress and one finished or waiting."""


def ordered_map(
    function: Callable[[Item], Result], items: Sequence[Item], progress: ProgressFactory, title: str
) -> Generator[Result, None, None]:
    """Call `function` on every item, in threads, and yield the results in the order of the items.

    Threads suffice for work in Pillow or numpy, which release Python's global lock. Use it inside
    `contextlib.closing`: after an error or Ctrl-C it then waits only for calls that are already running.

    Args:
        function: a thread-safe function
        items: its arguments; at most `ITEMS_PER_WORKER` per core are submitted ahead
        progress: shows the progress of the work
        title: title of the progress

    Raises:
        Exception: any exception of `function`, when its item is due
    """
    workers = usable_cores()
    pending: deque[Future[Result]] = deque()
    shown = iter(progress(items, title))
    pool = ThreadPoolExecutor(workers)
    try:
        ahead = min(len(items), ITEMS_PER_WORKER * workers)
        pending.extend(pool.submit(function, item) for item in items[:ahead])
        for done, _ in enumerate(shown):
            result = pending.popleft().result()
            if ahead + done < len(items):
                pending.append(pool.submit(function, items[ahead + done]))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if isinstance(shown, Generator):
            shown.close()


def process_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    imports: Sequence[str] = (),
    parallel: bool = True,
) -> list[Result]:
    """Call `function` on every item, in forked processes, and return the results in the order of the items.

    For work that holds Python's global lock. Processes are forked because new ones would each import torch;
    so `function` must not use torch or locks of other threads. On a single core, and on systems other than
    Linux, where forking is not safe, the calls are made in this process. The results are frozen
    (`gc.freeze`), because Python's collector would search thousands of them again and again; `unfreezing`
    ends that.

    Args:
        function: any callable, also a closure; its side effects are lost
        items: its arguments, which are not copied; the results must be picklable
        imports: modules that take long to import, which is then done once, not in every process
        parallel: whether there is so much work that processes are worth their start

    Raises:
        Exception: any exception of `function`
    """
    workers = min(usable_cores(), len(items))
    if sys.platform != "linux" or workers < 2 or not parallel:
        return [function(item) for item in items]
    for module in imports:
        importlib.import_module(module)
    fork = multiprocessing.get_context("fork")
    with (
        warnings.catch_warnings(),
        _frozen_results(),
        ProcessPoolExecutor(workers, fork, initializer=_prepare, initargs=(function, items)) as pool,
    ):
        warnings.filterwarnings("ignore", message=".*multi-threaded", category=DeprecationWarning)
        try:
            return list(pool.map(_call, range(len(items)), chunksize=max(1, len(items) // (16 * workers))))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def unfreezing() -> Iterator[None]:
    """Give what is frozen meanwhile back to Python's collector, unless the caller has frozen something."""
    frozen = gc.get_freeze_count()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()


@contextmanager
def _frozen_results() -> Iterator[None]:
    """Pause Python's collector, and freeze what has been made."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


_work: tuple[Callable[[Any], Any], Sequence[Any]]
"""Function and items, in a process forked by `process_map`."""


def _prepare(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    global _work
    # Ctrl-C is sent to the whole process group; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the parent has made stays, and its memory stays shared.
    gc.freeze()
    gc.enable()
    _work = function, items


def _call(index: int) -> Any:
    function, items = _work
    return function(items[index])
