"""Reads many source files on all cores, in order, so that an interrupted build can resume."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.errors import FileError
from infoseg_bench.preparation.build_cache import BuildCache, ReadPhoto
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
    amend: Callable[[Sequence[Item], Sequence[ReadPhoto]], Sequence[ReadPhoto]] | None = None,
) -> Generator[Sequence[ReadPhoto], None, None]:
    """Yield what `read` returns for the items, or its FileError, in their order, in lists of several photos.

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

    def read_all(block: Sequence[Item]) -> Sequence[ReadPhoto]:
        tried = (attempt(read, item) for item in block)
        return [photo for photo in tried if photo is not None]

    def one_part(block: Sequence[Item]) -> Sequence[ReadPhoto]:
        try:
            sources = [identity(item) for item in block]
        # A file that is gone has no identity; reading says so.
        except FileError:
            photos = read_all(block)
        else:
            photos = cache.photos(sources, lambda: read_all(block))
        return photos if amend is None else amend(block, photos)

    size = max(1, round(PART_PIXELS / photo_pixels))
    return in_blocks(items, one_part, size=size, progress=progress, title="photos")


def attempt(read: Callable[[Item], Result], item: Item) -> Result | FileError:
    """Return what `read` returns for an item, or the error by which it says that its file cannot be used."""
    try:
        return read(item)
    except FileError as error:
        return error


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
