"""How sure a PA is: the bootstrap over evaluation images, and over seeds where there are several.

Ours; the papers give single figures. Images are drawn with replacement, the same draws for every run of
a board, so that differences between rows are paired. The matching is held at that of the whole set: it
is part of the prediction as scored (InfoSeg 5.2: computed once, for all images), and one found anew for
every draw would favour each draw. For each draw of images, a row's seeds are drawn with replacement too.
With one seed the interval is of the images alone; with two or three it understates what seeds do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from infoseg_bench.reporting.loaded_runs import Run

RESAMPLES = 1000
"""Draws; chosen by this project: the ends of a 95 % interval then vary by a tenth of its width or so."""
LEVEL = 0.95
"""Share of the draws within an interval; chosen by this project."""
SEED = 20211
"""Of all draws, so that the same records give the same intervals."""
_BLOCK = 50
_CELLS = 1 << 24


class Interval(NamedTuple):
    """The middle 95 % of the draws."""

    low: float
    high: float


def interval(values: Float64[np.ndarray, " resample"]) -> Interval:
    """Return the percentile interval of a figure's draws."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def resampled(rows: Sequence[Sequence[Run]]) -> list[Float64[np.ndarray, " resample"]]:
    """Draw the PA of every row, a row being the runs of its seeds."""
    flat = [run for row in rows for run in row]
    accuracies = resampled_runs(flat)
    start, drawn = 0, []
    for row in rows:
        drawn.append(_over_seeds(accuracies[start : start + len(row)], row[0].record.row))
        start += len(row)
    return drawn


def resampled_runs(runs: Sequence[Run]) -> Float64[np.ndarray, "run resample"]:
    """Draw the PA of every run over images; run by run the draws are of the same images."""
    sizes: dict[int, list[int]] = defaultdict(list)
    for index, run in enumerate(runs):
        sizes[len(run.pixels)].append(index)
    drawn = np.empty((len(runs), RESAMPLES))
    for images, members in sizes.items():
        # Few at a time: the images of all runs of a large board would fill the memory.
        step = max(1, _CELLS // images)
        for part in (members[i : i + step] for i in range(0, len(members), step)):
            drawn[part] = _accuracies([runs[i] for i in part], images)
    return drawn


def _accuracies(runs: Sequence[Run], images: int) -> Float64[np.ndarray, "run resample"]:
    correct = np.stack([run.correct for run in runs], axis=1).astype(np.float64)
    pixels = np.stack([run.pixels for run in runs], axis=1).astype(np.float64)
    parts = [(weights @ correct) / np.maximum(weights @ pixels, 1) for weights in _weights(images)]
    return np.concatenate(parts).T


def _weights(images: int) -> Iterator[Float64[np.ndarray, "block image"]]:
    generator = np.random.default_rng([SEED, images])
    shift = np.arange(_BLOCK)[:, None] * images
    for _ in range(RESAMPLES // _BLOCK):
        draws = generator.integers(images, size=(_BLOCK, images)) + shift
        counts = np.bincount(draws.ravel(), minlength=_BLOCK * images)
        yield counts.reshape(_BLOCK, images).astype(np.float64)


def _over_seeds(
    accuracies: Float64[np.ndarray, "seed resample"], row: str
) -> Float64[np.ndarray, " resample"]:
    if len(accuracies) == 1:
        return np.asarray(accuracies[0])
    generator = np.random.default_rng([SEED, int(row, 16)])
    seeds = generator.integers(len(accuracies), size=accuracies.shape)
    return np.asarray(np.take_along_axis(accuracies, seeds, axis=0).mean(axis=0))
