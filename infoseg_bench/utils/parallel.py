"""Work spread over all cores with its results in order and bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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
