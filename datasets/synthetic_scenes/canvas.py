"""A canvas of pixels and labels, with the random numbers, noise and hues that scenes are painted with.

All random numbers come from `Generator.random`, and drawing uses only operations that IEEE 754 rounds
exactly (no sine, power or matrix product), so that pixels and labels are the same on every machine.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float64, UInt8

LATTICE = 64
"""Number of lattice cells after which noise repeats; leaves of the default size span fewer cells."""

Plane: TypeAlias = Float64[np.ndarray, "height width"]
Mask: TypeAlias = Bool[np.ndarray, "height width"]
Colour: TypeAlias = Float64[np.ndarray, "3"]


class Canvas:
    """A square scene that is being painted, from far to near, with a horizon of random hills."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self.size = size
        self.rows, self.columns = np.indices((size, size)).astype(np.float64)
        self.image = np.zeros((size, size, 3))
        self.labels = np.zeros((size, size), dtype=np.uint8)
        hills = self.noise(self.rows * 0, self.columns / (size / 3)) - 0.5
        self.horizon: Plane = size * (self.between(0.38, 0.56) + 0.12 * hills)

    def chance(self) -> float:
        """Draw a number in [0, 1)."""
        return float(self.rng.random())

    def between(self, low: float, high: float) -> float:
        """Draw a number in [low, high)."""
        # Generator.uniform may fuse this multiplication and addition on some processors.
        return low + (high - low) * self.chance()

    def noise(self, rows: Plane, columns: Plane) -> Plane:
        """Value noise in [0, 1): smoothstep interpolation of random values on a unit lattice."""
        lattice = self.rng.random((LATTICE, LATTICE))
        up, left = np.floor(rows), np.floor(columns)
        down, right = _smoothstep(rows - up), _smoothstep(columns - left)
        i, j = up.astype(np.int64) % LATTICE, left.astype(np.int64) % LATTICE
        below, beside = (i + 1) % LATTICE, (j + 1) % LATTICE
        upper = lattice[i, j] + (lattice[i, beside] - lattice[i, j]) * right
        lower = lattice[below, j] + (lattice[below, beside] - lattice[below, j]) * right
        blend: Plane = upper + (lower - upper) * down
        return blend

    def blobs(self, cell: float) -> Plane:
        """Isotropic noise in [0, 1), with lattice cells of `cell` pixels."""
        return self.noise(self.rows / cell, self.columns / cell)

    def colour(self, hue: float) -> Colour:
        """Draw a colour of the given hue, in turns; saturation and brightness do not depend on the class."""
        saturation, value = self.between(0.25, 0.65), self.between(0.5, 0.75)
        # Conversion from hue, saturation and value to red, green and blue, without branches.
        k = (np.array([5.0, 3.0, 1.0]) + 6 * hue) % 6
        rgb: Colour = value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
        return rgb

    def distinct_colours(self) -> list[Colour]:
        """Draw three colours about a third of the hue circle apart, in random order."""
        turn, order = self.chance(), np.argsort(self.rng.random(3))
        return [self.colour(turn + int(third) / 3 + self.between(-0.08, 0.08)) for third in order]

    def paint(self, mask: Mask, colour: Colour, shade: Plane, label: int) -> None:
        """Paint the pixels of a mask with a colour, times the shade of each pixel, and label them."""
        self.image[mask] = colour * shade[mask][:, None]
        self.labels[mask] = label

    def photo(self, colour_of_light: Colour) -> UInt8[np.ndarray, "height width 3"]:
        """Light the scene from a random side and add sensor noise."""
        rows, columns = self.rows / self.size - 0.5, self.columns / self.size - 0.5
        light = 1 + self.between(-0.25, 0.25) * columns + self.between(-0.25, 0.25) * rows
        grain = self.rng.random(self.image.shape) + self.rng.random(self.image.shape) - 1
        lit = self.image * (light[:, :, None] * colour_of_light) + 0.04 * grain
        photo: np.ndarray = np.round(255 * np.clip(lit, 0, 1)).astype(np.uint8)
        return photo


def _smoothstep(t: Plane) -> Plane:
    smooth: Plane = t * t * (3 - 2 * t)
    return smooth
