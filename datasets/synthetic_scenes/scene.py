"""Outdoor scenes of sky, plants and ground. Every constant of the drawing was chosen by this project."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.datasets.synthetic_scenes.canvas import Canvas, Colour, Mask, Plane
from infoseg_bench.datasets.synthetic_scenes.palettes import Palette, SceneColours, draw_colours

SKY, PLANT, GROUND = range(3)


def generate_scene(
    seed: int, index: int, size: int, palette: Palette = "natural"
) -> tuple[UInt8[np.ndarray, "height width 3"], UInt8[np.ndarray, "height width"]]:
    """Draw one scene, which depends only on these arguments.

    Args:
        seed: seed of the data set
        index: index of the scene, from 0
        size: height and width in pixels
        palette: natural colours, or random hues that do not depend on the class

    Returns:
        red, green and blue from 0 to 255; and labels: 0 sky, 1 plant, 2 ground, VOID on things,
        UNLABELLED on a strip along the horizon of some scenes
    """
    canvas = Canvas(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,))), size)
    colours = draw_colours(canvas, palette)
    _draw_sky(canvas, colours.sky)
    _draw_ground(canvas, colours)
    _draw_plants(canvas, colours)
    if canvas.chance() < 0.35:
        _draw_thing(canvas)
    if canvas.chance() < 0.3:
        _unlabel_horizon(canvas)
    return canvas.photo(colours.light), canvas.labels


class _Plant(NamedTuple):
    """One tree or bush; `foot` is the row where it stands, `nearness` is 0 at the horizon and 1 in front."""

    foot: float
    nearness: float
    body: Mask
    shade: Plane
    shadow: Mask


def _draw_sky(canvas: Canvas, colour: Colour) -> None:
    rows, columns = canvas.rows / canvas.size, canvas.columns / canvas.size
    clouds = 0.65 * canvas.noise(6 * rows, 3 * columns) + 0.35 * canvas.noise(14 * rows, 8 * columns)
    shade = 0.82 + 0.35 * np.clip(3 * clouds - 1.2, 0, 1) + 0.2 * rows
    canvas.paint(np.full(rows.shape, True), colour, shade, SKY)


def _draw_ground(canvas: Canvas, colours: SceneColours) -> None:
    """Paint the ground with streaks that grow towards the viewer; far ones are in haze."""
    depth = (canvas.rows - canvas.horizon) / (canvas.size - canvas.horizon)
    near = np.maximum(depth, 0) + 0.12
    across = (canvas.columns / canvas.size - canvas.between(0.2, 0.8)) / near
    streaks = canvas.noise(3.2 / near, 1.2 * across) + canvas.noise(9 / near, 2 * across)
    canvas.paint(depth >= 0, colours.ground, 0.4 + 0.6 * streaks, GROUND)
    if colours.haze:
        weight = np.where(depth >= 0, colours.haze * (1 - np.clip(2 * depth, 0, 1)), 0)[:, :, None]
        canvas.image += weight * (colours.sky - canvas.image)


def _draw_plants(canvas: Canvas, colours: SceneColours) -> None:
    """Paint trees and bushes until they cover a random fraction; near ones hide far ones."""
    ragged = canvas.blobs(3.5) + 0.5 * canvas.blobs(8.0)
    leaves = 0.6 * canvas.blobs(1.7) + 0.4 * canvas.blobs(3.5)
    target = canvas.between(0.14, 0.34) * canvas.size**2
    plants: list[_Plant] = []
    covered = np.full(leaves.shape, False)
    while np.count_nonzero(covered) < target:
        plants.append(_grow_plant(canvas, ragged))
        covered |= plants[-1].body
    for plant in sorted(plants, key=lambda plant: plant.foot):
        canvas.image[plant.shadow & (canvas.labels == GROUND)] *= 0.72
        seen = colours.plant + colours.haze * (1 - plant.nearness) * (colours.sky - colours.plant)
        canvas.paint(plant.body, seen, np.clip(plant.shade + 1.4 * (leaves - 0.5), 0.1, 2), PLANT)


def _grow_plant(canvas: Canvas, ragged: Plane) -> _Plant:
    """Draw the shape of a tree or bush at a random place; near ones are larger."""
    column, distance = canvas.size * canvas.chance(), canvas.chance()
    line = float(canvas.horizon[0, int(column)])
    foot = line + (0.06 + 0.8 * distance * distance) * (canvas.size - line)
    height = (canvas.between(0.2, 0.3) + 0.3 * distance) * canvas.size
    tree = canvas.chance() < 0.6
    wide = height * (canvas.between(0.3, 0.42) if tree else canvas.between(0.4, 0.65))
    tall = height * (0.36 if tree else 0.3)
    middle = foot - (height - tall if tree else 0.8 * tall)
    down, across = (canvas.rows - middle) / tall, (canvas.columns - column) / wide
    above = canvas.rows <= foot
    crown = down * down + across * across + 1.1 * ragged < 1.725
    trunk = (np.abs(canvas.columns - column) < max(1.0, 0.05 * height)) & (down > 0)
    shade = canvas.between(0.85, 1.05) - 0.35 * down - 0.17 * across
    flat = (canvas.rows - foot) / (0.12 * wide + 1)
    return _Plant(foot, distance, above & (crown | (trunk & tree)), shade, flat * flat + across * across < 1)


def _draw_thing(canvas: Canvas) -> None:
    """Paint a striped post or a box, which belongs to no class."""
    column, distance = canvas.between(0.2, 0.8) * canvas.size, canvas.between(0.15, 0.7)
    post = canvas.chance() < 0.5
    line = float(canvas.horizon[0, int(column)])
    foot = line + distance * (canvas.size - line)
    height = (0.25 + 0.3 * distance) * canvas.size * (1.0 if post else 0.45)
    half = (0.02 + 0.03 * distance) * canvas.size if post else height * canvas.between(0.6, 1.0)
    above = foot - canvas.rows
    body = (np.abs(canvas.columns - column) < half) & (above >= 0) & (above < height)
    dark = np.floor(above / (height / 5)) % 2 if post else np.where(above < 0.8 * height, 1.0, 0.0)
    canvas.paint(body, canvas.colour(canvas.chance()), 1.25 - 0.5 * dark, VOID)


def _unlabel_horizon(canvas: Canvas) -> None:
    """Leave a strip of two pixels between sky and ground unlabelled, as human annotators do."""
    strip = np.abs(canvas.rows - canvas.horizon) < 1
    canvas.labels[strip & np.isin(canvas.labels, (SKY, GROUND))] = UNLABELLED
