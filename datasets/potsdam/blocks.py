"""Reads the blocks of a tile, and surveys its label colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.photo import Finding, label_counts
from infoseg_bench.data.view import VOID
from infoseg_bench.datasets.potsdam.cutting import cut_tile
from infoseg_bench.datasets.potsdam.tiff import read_tile
from infoseg_bench.datasets.potsdam.tiles import Tiles
from infoseg_bench.errors import FileError
from infoseg_bench.preparation.build_cache import ReadPhoto
from infoseg_bench.preparation.building import attempt
from infoseg_bench.preparation.label_coding import MANY, looks_like_a_photo
from infoseg_bench.utils.source_files import OfficialFile

MOST_VOID = 3
"""Colours of void pixels of a label tile that are kept for messages; chosen by this project."""

Classes = Callable[[UInt8[np.ndarray, "rows columns 3"]], UInt8[np.ndarray, "rows columns"]]


def read_blocks(tiles: Tiles, name: str, *, side: int, block: int, classes: Classes) -> Sequence[ReadPhoto]:
    """Read the blocks of one tile, of which the first has the finding on the tile's files, or its faults.

    Args:
        tiles: the tiles that are there
        name: name of the tile
        side: side of the tile in pixels
        block: side of a block in pixels, after halving
        classes: function that turns label colours into stored labels
    """
    image, label = tiles.images[name], tiles.labels.get(name)
    tile = attempt(lambda file: read_tile(file, side=side, bands=4), image)
    colours = None if label is None else attempt(lambda file: read_tile(file, side=side, bands=3), label)
    if isinstance(tile, FileError) or isinstance(colours, FileError):
        return [fault for fault in (tile, colours) if isinstance(fault, FileError)]
    blocks = cut_tile(name, tile, colours, block=block, classes=classes)
    finding = attempt(lambda file: _finding(file, label, colours, classes), image)
    return [finding] if isinstance(finding, FileError) else [replace(blocks[0], finding=finding), *blocks[1:]]


def _finding(
    image: OfficialFile,
    label: OfficialFile | None,
    colours: np.ndarray | None,
    classes: Classes,
) -> Finding:
    if label is None or colours is None:
        return Finding(photo=image.name)
    # Every second pixel is what halving by nearest neighbours keeps.
    halved = colours[::2, ::2]
    stored = classes(halved)
    void, counts = np.unique(halved[stored == VOID], axis=0, return_counts=True)
    if len(void) > MANY and 2 * counts.sum() > stored.size:
        raise looks_like_a_photo(label, len(void), "fetch the official file")
    frequent = np.argsort(-counts)[:MOST_VOID]
    return Finding(
        photo=image.name,
        labels=label.name,
        counts=label_counts(stored),
        void=tuple(("#{:02x}{:02x}{:02x}".format(*void[index]), int(counts[index])) for index in frequent),
    )
