"""From many source files to a store: read on all cores, in the order of the items, resumable."""

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
"""Pixels of one part, about; chosen by this project: 4 MiB with labels, because cores idle while the last
parts are read."""


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
    """Return what `read` gives for the items, in their order, as lists of some photos each.

    Use it inside `contextlib.closing`.

    Args:
        items: what is to be read
        read: safe to call from several threads; None leaves the item out
        identity: names an item and the state of its files, without reading them
        cache: where finished photos are kept and found
        photo_pixels: of one item after reading, about
        progress: shows how far the work is, in items
        amend: changes what is given for some items, after it was kept
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
    """Do blocks of `size` items on all cores and give the results in order, shown item by item."""
    blocks = [items[start : start + size] for start in range(0, len(items), size)]
    return ordered_map(do, blocks, _by_item(progress), title)


def _by_item(progress: ProgressFactory) -> ProgressFactory:
    """Show blocks of items item by item."""

    def shown(blocks: Sequence[Sequence[Item]], title: str) -> Iterator[Sequence[Item]]:
        each = iter(progress([item for block in blocks for item in block], title))
        for block in blocks:
            for _ in block:
                next(each)
            yield block

    return shown  # type: ignore[return-value]
