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
from infoseg_bench.records.spec import Postprocess
from infoseg_bench.runs.prediction import check_postprocess, predictor

Photo = UInt8[np.ndarray, "height width channel"] | Image.Image | str | PathLike[str]
"""A photo as an array, a Pillow image or a path."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained method that segments photos of any size.

    Attributes:
        method: the method, ready to predict
        classes: class names
        palette: one colour (red, green, blue) per class
        matching: class index of each cluster, or -1 if unmatched; determined with the evaluation labels
        postprocess: post-processing of the method's scores, as in the run's evaluations
    """

    method: Method
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    matching: tuple[int, ...]
    postprocess: Postprocess = "none"

    def __post_init__(self) -> None:
        """Raise a UsageError if the method has no scores, which the post-processing needs."""
        check_postprocess(type(self.method), self.postprocess)

    @torch.no_grad()
    def clusters(self, photo: Photo, *, scale: float = 1.0) -> Int16[np.ndarray, "height width"]:
        """Return the cluster of every pixel, in [0, K).

        Args:
            photo: an array with values from 0 to 255, a Pillow image, or the path of a file; images and
                files are rotated by their EXIF orientation
            scale: factor by which the photo is scaled first; the result has the size of the photo

        Raises:
            UserError: the photo is unreadable, or has other channels than the training photos
            TypeError: neither a path, a Pillow image nor an array of uint8, `height width channel`
        """
        pixels = photo_pixels(photo)
        channels = self.method.task.channels
        if pixels.shape[2] != channels:
            raise UserError(
                f"a photo with {pixels.shape[2]} channels: this model needs {channels}, as in its training"
            )
        scaled = scale_bilinear(pixels, scale) if scale != 1.0 else pixels
        predict = predictor(self.method, self.postprocess)
        found = segment_tiled(scaled, self.method.task.crop, predict, self.method.run.device)
        if found.shape == pixels.shape[:2]:
            return found
        rows, columns = (
            np.arange(size) * small // size for size, small in zip(pixels.shape, found.shape, strict=False)
        )
        return np.asarray(found[rows[:, None], columns])

    def predict(self, photo: Photo, *, scale: float = 1.0) -> UInt8[np.ndarray, "height width"]:
        """Return the class of every pixel, an index into `classes`; 255 if its cluster is unmatched.

        Arguments and errors are those of `clusters`.
        """
        table = np.array([VOID if index < 0 else index for index in self.matching], dtype=np.uint8)
        return np.asarray(table[self.clusters(photo, scale=scale)])


def photo_pixels(photo: object) -> UInt8[np.ndarray, "height width channel"]:
    """Return the pixels of an argument of `Model.predict`.

    Raises:
        TypeError: neither a path, a Pillow image nor an array of uint8, `height width channel`
        UserError: an unreadable file
    """
    if isinstance(photo, Image.Image):
        return np.asarray(ImageOps.exif_transpose(photo).convert("RGB"))
    if isinstance(photo, str | PathLike):
        return read_photo(Path(photo), upright=True)
    if not isinstance(photo, np.ndarray):
        raise TypeError(
            f"a photo of type {type(photo).__name__}: use a path, a Pillow image, or a NumPy array of uint8"
        )
    if photo.dtype != np.uint8 or photo.ndim != 3:
        shape = " x ".join(map(str, photo.shape))
        raise TypeError(
            f"a photo as array of {photo.dtype}, {shape}: use uint8, 0 to 255, height x width x channel"
        )
    return photo
