"""Class colours that colour-blind readers can tell apart."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float64

Colour = tuple[int, int, int]

OKABE_ITO: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (213, 94, 0),
    (86, 180, 233),
    (204, 121, 167),
    (240, 228, 66),
)
"""Okabe and Ito, "Color Universal Design" (2008), without black, which stands for void; the order was
chosen by this project."""

GRID = (0, 32, 64, 96, 128, 160, 192, 224, 255)
"""Channel values of the candidates for further colours; chosen by this project."""

DARKEST = 0.35
"""Minimum Oklab lightness of a further colour, because darker ones all look black on a screen; chosen by
this project."""

VISION = np.array(
    [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ]
)
"""Linear RGB to linear RGB as seen with normal vision, protanopia (no L cones) and deuteranopia (no M cones):
Machado et al. 2009, severity 1."""

LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Linear RGB to cone responses (LMS), and their cube roots to Oklab, in which distances match perceived
differences (Ottosson 2020)."""


@cache
def default_palette(classes: int) -> tuple[Colour, ...]:
    """Return one colour per class: those of Okabe and Ito, then each time the one farthest from all before.

    The distance is the smallest one in Oklab over normal, protanopic and deuteranopic vision. Black and
    white (void, paper) count as taken.

    Args:
        classes: number of colours; up to about 30 can be distinguished
    """
    chosen = list(OKABE_ITO[:classes])
    grid = np.array([(r, g, b) for r in GRID for g in GRID for b in GRID])
    grid = grid[_as_seen(grid)[:, 0, 0] >= DARKEST]
    seen = _as_seen(grid)
    taken = _as_seen(np.array([(0, 0, 0), (255, 255, 255), *chosen]))
    distance = np.linalg.norm(seen[:, None] - taken[None], axis=-1).min(axis=(1, 2))
    while len(chosen) < classes:
        best = int(distance.argmax())
        chosen.append((int(grid[best, 0]), int(grid[best, 1]), int(grid[best, 2])))
        distance = np.minimum(distance, np.linalg.norm(seen - seen[best], axis=-1).min(axis=1))
    return tuple(chosen)


def _as_seen(colours: np.ndarray) -> Float64[np.ndarray, "colour vision 3"]:
    scaled = colours / 255
    # The sRGB transfer function (IEC 61966-2-1).
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    simulated = np.einsum("vij,cj->cvi", VISION, linear).clip(0, 1)
    return np.asarray(np.cbrt(simulated @ LMS.T) @ OKLAB.T)
