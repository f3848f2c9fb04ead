from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from infoseg_bench.errors import UserError
from infoseg_bench.utils.cores import usable_cores
from infoseg_bench.utils.parallel import ITEMS_PER_WORKER, ordered_map, process_map
from infoseg_bench.utils.progress import Item, no_progress


def test_results_come_in_the_items_order() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item * item

    assert list(ordered_map(slow_first, range(20), no_progress, "squares")) == [i * i for i in range(20)]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_items_are_enough(count: int) -> None:
    assert list(ordered_map(str, range(count), no_progress, "few")) == [str(i) for i in range(count)]


def test_no_more_results_wait_than_promised() -> None:
    started: list[int] = []
    results = ordered_map(started.append, range(500), no_progress, "bounded")
    with closing(results):
        for taken, _ in enumerate(results):
            time.sleep(0.0005)
            assert len(started) <= taken + 1 + ITEMS_PER_WORKER * usable_cores()


def test_an_error_comes_at_its_items_turn_and_stops_the_rest() -> None:
    started: list[int] = []

    def fail_at_five(item: int) -> int:
        started.append(item)
        if item == 5:
            raise ValueError("five")
        return item

    with (
        pytest.raises(ValueError, match="five"),
        closing(ordered_map(fail_at_five, range(1000), no_progress, "x")) as results,
    ):
        list(results)
    assert len(started) < 100


def test_an_interruption_of_the_consumer_ends_all_threads() -> None:
    before = threading.active_count()

    def consume() -> None:
        with closing(ordered_map(time.sleep, [0.001] * 1000, no_progress, "x")) as results:
            next(results)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert threading.active_count() == before


def test_progress_is_shown_and_ended() -> None:
    seen: list[str] = []

    def progress(items: Sequence[Item], title: str) -> Iterator[Item]:
        try:
            for item in items:
                seen.append(title)
                yield item
        finally:
            seen.append("ended")

    with closing(ordered_map(str, [1, 2, 3], progress, "work")) as results:
        next(results)
    assert seen == ["work", "ended"]


def test_processes_give_results_in_order_and_take_closures() -> None:
    offset = 3
    assert process_map(lambda item: item + offset, range(50)) == list(range(3, 53))
    assert process_map(str, []) == []


def test_an_error_in_a_process_is_raised_here() -> None:
    def fail_at_five(item: int) -> int:
        if item == 5:
            raise UserError("five")
        return item

    with pytest.raises(UserError, match="five"):
        process_map(fail_at_five, range(50))
