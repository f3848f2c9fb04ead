"""Reads many source files on all cores, in order, so that an interrupted build can resume."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.preparation.build_cache import BuildCache
from infoseg_bench.utils.parallel import ordered_map
from infoseg_bench.utils.progress import ProgressFactory

Item = TypeVar("Item")
Result = TypeVar("Result")

PART_PIXELS = 1 << 20
"""Approximate number of pixels of one part; chosen by this project: 4 MiB with labels, because cores are idle
while the last parts are read."""


def read_in_parts(
    items: Sequence[Item],
    read: Callable[[Item], StoredPhoto | None],
    *,
    identity: Callable[[Item], str],
    cache: BuildCache,
    photo_pixels: float,
    progress: ProgressFactory,
    amend: Callable[[Sequence[Item], Sequence[StoredPhoto]], Sequence[StoredPhoto]] | None = None,
) -> Generator[Sequence[StoredPhoto], None, None]:
    """Yield what `read` returns for the items, in their order, in lists of several photos.

    Use it inside `contextlib.closing`.

    Args:
        items: the items to read
        read: thread-safe function that reads one item; it returns None to leave the item out
        identity: returns a text that changes with an item or its files, without reading them
        cache: cache of finished photos
        photo_pixels: approximate number of pixels of one item after reading
        progress: shows the number of items done
        amend: changes the photos of some items after they were cached
    """

    def one_part(block: Sequence[Item]) -> Sequence[StoredPhoto]:
        sources = [identity(item) for item in block]
        photos = cache.photos(sources, lambda: [photo for photo in map(read, block) if photo is not None])
        return photos if amend is None else amend(block, photos)

    size = max(1, round(PART_PIXELS / photo_pixels))
    return in_blocks(items, one_part, size=size, progress=progress, title="photos")


def in_blocks(
    items: Sequence[Item],
    do: Callable[[Sequence[Item]], Result],
    *,
    size: int,
    progress: ProgressFactory,
    title: str,
) -> Generator[Result, None, None]:
    """Process blocks of `size` items on all cores and yield the results in order, with progress by item."""
    blocks = [items[start : start + size] for start in range(0, len(items), size)]
    return ordered_map(do, blocks, _by_item(progress), title)


def _by_item(progress: ProgressFactory) -> ProgressFactory:
    """Progress display that counts the items in blocks."""

    def shown(blocks: Sequence[Sequence[Item]], title: str) -> Iterator[Sequence[Item]]:
        each = iter(progress([item for block in blocks for item in block], title))
        for block in blocks:
            for _ in block:
                next(each)
            yield block

    return shown  # type: ignore[return-value]
