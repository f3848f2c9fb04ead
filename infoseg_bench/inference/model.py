"""A trained method with the classes of its clusters."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int16, UInt8
from PIL import Image, ImageOps

from infoseg_bench.contracts import Method
from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UserError
from infoseg_bench.images.photos import read_photo
from infoseg_bench.images.resize import scale_bilinear
from infoseg_bench.inference.tiled import segment_tiled

Photo = UInt8[np.ndarray, "height width channel"] | Image.Image | str | PathLike[str]
"""Photos that a model accepts."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained method that segments photos of any size.

    Attributes:
        method: the method, ready to predict
        classes: class names
        palette: one colour (red, green, blue) per class
        matching: class index of every cluster, or -1; found with the evaluation labels
    """

    method: Method
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    matching: tuple[int, ...]

    @torch.no_grad()
    def clusters(self, image: Photo, *, scale: float = 1.0) -> Int16[np.ndarray, "height width"]:
        """Return the cluster of every pixel.

        Args:
            image: an array with values from 0 to 255, a Pillow image, or the path of a photo; the latter two
                are rotated as their EXIF orientation says
            scale: factor by which the photo is scaled first; the result has the size of the photo

        Raises:
            UserError: the photo is unreadable, or has other channels than the training photos
            TypeError: neither a path, a Pillow image nor an array of uint8, `height width channel`
        """
        pixels = photo_pixels(image)
        bands = self.method.task.channels
        if pixels.shape[2] != bands:
            raise UserError(f"a photo of {pixels.shape[2]} bands: this model was trained on {bands}")
        scaled = scale_bilinear(pixels, scale) if scale != 1.0 else pixels
        found = segment_tiled(scaled, self.method.task.crop, self.method.predict, self.method.run.device)
        if found.shape == pixels.shape[:2]:
            return found
        rows, columns = (
            np.arange(size) * small // size for size, small in zip(pixels.shape, found.shape, strict=False)
        )
        return np.asarray(found[rows[:, None], columns])

    def predict(self, image: Photo, *, scale: float = 1.0) -> UInt8[np.ndarray, "height width"]:
        """Return the class of every pixel, an index into `classes`, 255 if its cluster stands for no class.

        The arguments are the same as those of `clusters`.
        """
        table = np.array([VOID if index < 0 else index for index in self.matching], dtype=np.uint8)
        return np.asarray(table[self.clusters(image, scale=scale)])


def photo_pixels(image: object) -> UInt8[np.ndarray, "height width channel"]:
    """Return the pixels of an argument of `Model.predict`.

    Raises:
        TypeError: neither a path, a Pillow image nor an array of uint8, `height width channel`
        UserError: an unreadable file
    """
    if isinstance(image, Image.Image):
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    if isinstance(image, str | PathLike):
        return read_photo(Path(image), upright=True)
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"a photo of type {type(image).__name__}: give a path, a Pillow image, or a NumPy array of uint8"
        )
    if image.dtype != np.uint8 or image.ndim != 3:
        shape = " x ".join(map(str, image.shape))
        raise TypeError(
            f"an array of {image.dtype}, {shape}: give values of 0 to 255 as uint8, height x width x channel"
        )
    return image
