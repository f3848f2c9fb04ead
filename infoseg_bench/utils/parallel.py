"""Work spread over all cores, in threads or in processes, with its results in order."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

from infoseg_bench.utils.cores import usable_cores
from infoseg_bench.utils.progress import ProgressFactory

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_PER_WORKER = 2
"""Items under way or waiting to be taken, per core; chosen by this project: one in work, one in store."""


def ordered_map(
    function: Callable[[Item], Result], items: Sequence[Item], progress: ProgressFactory, title: str
) -> Generator[Result, None, None]:
    """Call `function` on every item, in threads, and give the results in the items' order.

    Threads suffice where the work is Pillow's or numpy's, which let other threads run meanwhile.
    Use it inside `contextlib.closing`: an error or Ctrl-C then stops it at once, and only the
    calls that are already running are waited for.

    Args:
        function: must be safe to call from several threads
        items: at most `ITEMS_PER_WORKER` of them per core are ahead of the one that is given
        progress: shows how far the work is
        title: of the progress

    Raises:
        Exception: whatever `function` raised, at its item's turn
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


def process_map(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Call `function` on every item, in forked processes, and return the results in the items' order.

    For work that holds Python's lock. Processes are forked, as starting them anew would import torch in each;
    so the work must use neither torch nor locks of other threads. Elsewhere than on Linux, where forking is
    not safe, and on a single core, the work is done here.

    Args:
        function: any callable, closures too; what it changes is lost
        items: are not copied; results must be picklable

    Raises:
        Exception: whatever `function` raised
    """
    workers = min(usable_cores(), len(items))
    if sys.platform != "linux" or workers < 2:
        return [function(item) for item in items]
    fork = multiprocessing.get_context("fork")
    with (
        warnings.catch_warnings(),
        ProcessPoolExecutor(workers, fork, initializer=_prepare, initargs=(function, items)) as pool,
    ):
        warnings.filterwarnings("ignore", message=".*multi-threaded", category=DeprecationWarning)
        try:
            return list(pool.map(_call, range(len(items)), chunksize=max(1, len(items) // (16 * workers))))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_work: tuple[Callable[[Any], Any], Sequence[Any]]
"""Function and items of a process that `process_map` has forked."""


def _prepare(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    global _work
    # Ctrl-C reaches the whole group of processes; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work = function, items


def _call(index: int) -> Any:
    function, items = _work
    return function(items[index])
