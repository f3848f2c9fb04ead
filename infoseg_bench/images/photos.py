"""Reading photos and label maps from image files."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from infoseg_bench.errors import FileError
from infoseg_bench.utils.source_files import OfficialFile

DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
"""Pillow's modes of more than 8 bits per channel."""

GREY_STEPS = {"L;2": 85, "L;4": 17}
"""Pillow stretches greyscale of 2 and 4 bits to 0..255; the step between two stored values."""

UNDECODABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow's decoders raise on damaged files."""

# Pillow only warns of images up to twice its limit; per-read filters would not be safe among threads.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def read_photo(path: Path | OfficialFile, *, upright: bool) -> UInt8[np.ndarray, "height width 3"]:
    """Read a photo as red, green and blue.

    Greyscale, palette and CMYK are converted; transparency is dropped, the colours under it stay.

    Args:
        path: a file of any format that Pillow decodes, 8 bits per channel; it may lie in an archive
        upright: turn the photo as its EXIF orientation says, as every viewer shows it; False
            keeps the stored frame, in which COCO's annotations are given

    Raises:
        FileError: missing, damaged, truncated, of more than 8 bits, or beyond Pillow's size limit
    """
    try:
        with Image.open(_content(path)) as image:
            if image.mode in DEEP_MODES:
                kind = "a photo of more than 8 bits per channel"
                raise FileError(path, kind, "save it with 8 bits", image.mode)
            image.load()
            if upright:
                # Damaged EXIF data leave the photo as it is.
                with contextlib.suppress(*UNDECODABLE, TypeError, Warning):
                    ImageOps.exif_transpose(image, in_place=True)
            return np.asarray(_rgb(image))
    except UNDECODABLE as error:
        raise _unreadable(path, "photo", error) from error


def read_labels(path: Path | OfficialFile) -> UInt8[np.ndarray, "height width"]:
    """Read a label map: greyscale or palette, where the palette's index is the label.

    Greyscale of 1, 2 or 4 bits gives the stored values, and 16 bits do where all are below 256.

    Raises:
        FileError: missing, damaged, a colour image, or a value over 255
    """
    try:
        with Image.open(_content(path)) as image:
            labels = stored_values(image)
    except UNDECODABLE as error:
        raise _unreadable(path, "label map", error) from error
    if labels.ndim != 2 or labels.dtype.kind == "f":
        raise FileError(
            path,
            f"a colour image ({image.mode}), not a label map",
            "labels must be PNGs with one channel (greyscale or palette) whose values are class numbers",
        )
    if labels.max(initial=0) > 255 or labels.min(initial=0) < 0:
        alone = f"label value {labels.max()} is over 255"
        raise FileError(path, "label values over 255", "use values of 0 to 255", str(labels.max()), alone)
    return labels.astype(np.uint8)


def stored_values(image: ImageFile.ImageFile) -> np.ndarray:
    """Return the values that an image file holds: palette indices, and grey levels without stretching."""
    step = GREY_STEPS.get(str(image.tile[0][3]), 1) if image.tile else 1
    values = np.asarray(image)
    return values // np.uint8(step) if step > 1 else values


def _content(path: Path | OfficialFile) -> Path | io.BytesIO:
    return io.BytesIO(path.read()) if isinstance(path, OfficialFile) else path


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "P" and "transparency" in image.info:
        # Pillow converts the palette's transparency to RGB with a warning only.
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _unreadable(path: Path | OfficialFile, kind: str, error: Exception) -> FileError:
    if isinstance(error, FileNotFoundError):
        return FileError(path, f"no such {kind}", "check the path")
    if isinstance(error, PermissionError):
        return FileError(path, f"no permission to read this {kind}", "change its permissions")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        limit = Image.MAX_IMAGE_PIXELS
        return FileError(path, f"a {kind} of more than {limit} pixels", "scale it down or cut it into tiles")
    reason = "unknown format" if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())
    return FileError(path, f"this {kind} cannot be decoded", "replace or remove the file", reason)
