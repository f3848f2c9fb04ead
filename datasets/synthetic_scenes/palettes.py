"""Colours of a scene: natural ones, which depend on season, light and haze, or random hues.

Natural colours depend on the class, as in photos, but overlap between classes: snow and an overcast sky, lawn
and leaves, dry grass and autumn leaves, water and sky. Every number was chosen by this project.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from infoseg_bench.datasets.synthetic_scenes.canvas import Canvas, Colour

Palette = Literal["natural", "random"]

SKIES = ((0.36, 0.56, 0.86), (0.58, 0.74, 0.92), (0.74, 0.76, 0.79), (0.54, 0.57, 0.62), (0.93, 0.68, 0.50))
"""Red, green and blue of clear, pale, overcast, dark and sunset skies, in [0, 1]."""

SEASONS = {
    "summer": (
        ((0.24, 0.42, 0.15), (0.14, 0.27, 0.15), (0.42, 0.55, 0.22)),
        ((0.40, 0.53, 0.22), (0.78, 0.69, 0.49), (0.45, 0.45, 0.46), (0.43, 0.32, 0.22), (0.34, 0.47, 0.55)),
    ),
    "autumn": (
        ((0.67, 0.41, 0.14), (0.52, 0.24, 0.13), (0.42, 0.42, 0.18)),
        ((0.66, 0.58, 0.33), (0.45, 0.45, 0.46), (0.43, 0.32, 0.22), (0.36, 0.45, 0.50)),
    ),
    "winter": (
        ((0.36, 0.30, 0.25), (0.16, 0.25, 0.18), (0.48, 0.44, 0.40)),
        ((0.86, 0.88, 0.91), (0.56, 0.52, 0.42), (0.50, 0.50, 0.52)),
    ),
}
"""By season: colours of plants (leaves; autumn leaves; branches) and of the ground (lawn, sand, road, soil,
water; dry grass in autumn; snow in winter)."""

SPREAD = 0.05
"""Maximum random change of red, green and blue from a mixture of the listed colours."""


class SceneColours(NamedTuple):
    """The colours that a scene is painted with.

    Attributes:
        sky: colour of the sky
        plant: colour of plants
        ground: colour of the ground
        haze: weight of the sky's colour at the horizon, in [0, 1]
        light: factors for red, green and blue in the whole photo
    """

    sky: Colour
    plant: Colour
    ground: Colour
    haze: float
    light: Colour


def draw_colours(canvas: Canvas, palette: Palette) -> SceneColours:
    """Draw the colours of a scene with the random numbers of its canvas."""
    if palette == "random":
        sky, plant, ground = canvas.distinct_colours()
        return SceneColours(sky, plant, ground, haze=0.0, light=np.ones(3))
    season = tuple(SEASONS.values())[int(3 * canvas.chance())]
    sky, plant, ground = (_mixture(canvas, colours) for colours in (SKIES, *season))
    warmth, brightness = canvas.between(-0.06, 0.06), canvas.between(0.8, 1.15)
    light = brightness * np.array([1 + warmth, 1.0, 1 - warmth])
    return SceneColours(sky, plant, ground, haze=canvas.between(0.0, 0.5), light=light)


def _mixture(canvas: Canvas, colours: tuple[tuple[float, float, float], ...]) -> Colour:
    """Mix two of the listed colours, and change the result slightly."""
    first, second = (np.array(colours[int(len(colours) * canvas.chance())]) for _ in range(2))
    mixed = first + (second - first) * canvas.chance()
    changed: Colour = np.clip(mixed + SPREAD * (2 * canvas.rng.random(3) - 1), 0.02, 0.98)
    return changed
