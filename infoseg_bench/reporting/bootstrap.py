"""How sure a PA is: the bootstrap over evaluation images, and over seeds where there are several.

Chosen by this project; the papers give single figures. Images are drawn with replacement, the same draws
for every run of a board, so that differences between rows are paired. The matching is held at that of the
whole set: it is part of the prediction as scored (InfoSeg 5.2: computed once, for all images), and one
found anew for every draw would favour each draw. For each draw of images, a row's seeds are drawn with
replacement too. With one seed the interval is of the images alone; with two or three it is too narrow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float64, Int64

RESAMPLES = 1000
"""Draws; chosen by this project: the ends of a 95 % interval then vary by a tenth of its width or so."""
LEVEL = 0.95
"""Share of the draws within an interval; chosen by this project."""
SEED = 20211
"""Of all draws, so that the same records give the same intervals."""
_BLOCK = 50
_CELLS = 1 << 24

Images = Sequence[Int64[np.ndarray, " _"]]


def intervals(draws: Float64[np.ndarray, "*row resample"]) -> Float64[np.ndarray, " 2 *row"]:
    """Return the lower and the upper end of the percentile interval of every row's draws."""
    return np.asarray(np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=-1))


def resample_images(correct: Images, pixels: Images) -> Float64[np.ndarray, "run resample"]:
    """Draw the PA of every run over images; all runs of equally many images get the same draws.

    Args:
        correct: right pixels of every image, per run
        pixels: scored pixels of every image, per run; usually the same for all
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, counted in enumerate(pixels):
        groups[counted.tobytes()].append(index)
    drawn = np.empty((len(pixels), RESAMPLES))
    for members in groups.values():
        scored = pixels[members[0]].astype(np.float64)
        # A block of runs at a time: the images of all runs of a large board would fill the memory.
        step = max(1, _CELLS // len(scored))
        for block in (members[i : i + step] for i in range(0, len(members), step)):
            right = np.stack([correct[i] for i in block]).astype(np.float64)
            shares = [right @ draws.T / np.maximum(draws @ scored, 1) for draws in _weights(len(scored))]
            drawn[block] = np.concatenate(shares, axis=1)
    return drawn


def _weights(images: int) -> Iterator[Float64[np.ndarray, "block image"]]:
    generator = np.random.default_rng([SEED, images])
    shift = np.arange(_BLOCK)[:, None] * images
    for _ in range(RESAMPLES // _BLOCK):
        draws = generator.integers(images, size=(_BLOCK, images)) + shift
        counts = np.bincount(draws.ravel(), minlength=_BLOCK * images)
        yield counts.reshape(_BLOCK, images).astype(np.float64)


def resample_seeds(draws: Float64[np.ndarray, "seed resample"], row: str) -> Float64[np.ndarray, " resample"]:
    """Average a row's draws over seeds drawn with replacement; `row`, in hexadecimal, seeds the generator."""
    if len(draws) == 1:
        return np.asarray(draws[0])
    seeds = np.random.default_rng([SEED, int(row, 16)]).integers(len(draws), size=draws.shape)
    return np.asarray(np.take_along_axis(draws, seeds, axis=0).mean(axis=0))
