"""Reading photos from image files."""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile, ImageOps, PngImagePlugin, UnidentifiedImageError

from infoseg_bench.errors import FileError
from infoseg_bench.utils.source_files import OfficialFile

LARGEST = 1 << 29
"""Pixels of an image that is read, against files that swell; chosen by this project: 512 Mi."""

LONGEST_TEXT = 1 << 28
"""Bytes of text or colour profile in a PNG, against files that swell; chosen by this project: 256 MiB."""

PLUGINS = {".jxl": "pillow_jxl", ".heic": "pillow_heif", ".heif": "pillow_heif"}
"""Packages that teach Pillow a format that it does not know by itself."""

BITS_PER_SAMPLE = 258
"""TIFF's tag of the bits of every channel."""

DARKEST = 64
"""Upper byte that the brightest of 16-bit samples must reach: a quarter of the range, which 14 bits and
fewer do not; chosen by this project."""

ORIENTATION = 0x0112
"""EXIF's tag of the side of the stored frame that is up; 1 is upright."""

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
Image.MAX_IMAGE_PIXELS = LARGEST
# Photo editors store whole histories as text, which Pillow limits to 1 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = LONGEST_TEXT


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo as it was read.

    Attributes:
        pixels: red, green and blue
        turned: whether its EXIF data say that the stored frame is not upright
        deep: whether the file has 16 bits per channel, of which the upper 8 are kept
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    turned: bool
    deep: bool


def read_photo(path: Path | OfficialFile, *, upright: bool) -> UInt8[np.ndarray, "height width 3"]:
    """Read the pixels of a photo; arguments and errors are those of `open_photo`."""
    return open_photo(path, upright=upright).pixels


def open_photo(path: Path | OfficialFile, *, upright: bool) -> Photo:
    """Read a photo as red, green and blue.

    Greyscale, palette and CMYK are converted; transparency is dropped, the colours under it stay. Of 16
    bits per channel the upper 8 are kept, unless the samples use less than a quarter of their range: 10 or
    12 bits stored as 16 would become black.

    Args:
        path: a file of any format that Pillow decodes; it may lie in an archive
        upright: turn the photo as its EXIF orientation says, as every viewer shows it; False
            keeps the stored frame, in which COCO's annotations are given

    Raises:
        FileError: missing, damaged, truncated, of deep but dark samples, or of more than LARGEST pixels
    """
    with image_file(path, "photo") as image:
        bits = bits_per_sample(image)
        image.load()
        turned = False
        # Damaged EXIF data leave the photo as it is.
        with contextlib.suppress(*UNDECODABLE, TypeError, Warning):
            turned = image.getexif().get(ORIENTATION, 1) in range(2, 9)
            if upright:
                ImageOps.exif_transpose(image, in_place=True)
        pixels = _upper_byte(image) if image.mode.startswith("I;16") else np.asarray(_rgb(image))
        if bits > 16 or (bits > 8 and int(pixels.max(initial=0)) < DARKEST):
            kind = "a photo of more than 8 bits per channel, of which it uses only the lower ones"
            raise FileError(path, kind, "save it with 8 bits", f"{bits} bits, {image.mode}")
        return Photo(pixels=pixels, turned=turned, deep=bits > 8)


@contextlib.contextmanager
def image_file(path: Path | OfficialFile, kind: str) -> Iterator[ImageFile.ImageFile]:
    """Open an image and turn what decoding it raises into one line; `kind` says what it is to be.

    Raises:
        FileError: missing, damaged, truncated, of an unknown format, or of more than LARGEST pixels
    """
    suffix = Path(path.name).suffix.lower()
    if suffix in PLUGINS:
        _register(PLUGINS[suffix])
    try:
        with Image.open(io.BytesIO(path.read()) if isinstance(path, OfficialFile) else path) as image:
            yield image
    except UNDECODABLE as error:
        raise _unreadable(path, kind, error, suffix) from error


def bits_per_sample(image: ImageFile.ImageFile) -> int:
    """Return how many bits a channel has in the file; Pillow drops those beyond 8 of colour images."""
    if image.mode[0] in "IF":
        return 16 if image.mode.startswith("I;16") else 32
    declared = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, 8)
    deepest = int(max(declared)) if isinstance(declared, tuple) else int(declared)
    # Of PNGs only the decoder's raw mode tells, such as RGB;16B.
    raw = str(image.tile[0][3]) if image.tile else ""
    return max(deepest, 16 if ";16" in raw else 8)


def _register(plugin: str) -> None:
    """Let a plug-in add its format to Pillow, where it is installed."""
    with contextlib.suppress(ImportError):
        module = importlib.import_module(plugin)
        if plugin == "pillow_heif":
            module.register_heif_opener()


def _upper_byte(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "P" and "transparency" in image.info:
        # Pillow converts the palette's transparency to RGB with a warning only.
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _unreadable(path: Path | OfficialFile, kind: str, error: Exception, suffix: str) -> FileError:
    if isinstance(error, FileNotFoundError):
        return FileError(path, f"no such {kind}", "check the path")
    if isinstance(error, PermissionError):
        return FileError(path, f"no permission to read this {kind}", "change its permissions")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        limit = Image.MAX_IMAGE_PIXELS
        return FileError(path, f"a {kind} of more than {limit} pixels", "scale it down or cut it into tiles")
    reason = " ".join(str(error).split())
    if isinstance(error, UnidentifiedImageError):
        reason = "unknown format"
        if suffix in PLUGINS:
            package = PLUGINS[suffix].replace("_", "-").replace("jxl", "jxl-plugin")
            what = f"Pillow cannot decode {suffix} here"
            return FileError(path, what, f"pip install {package}, or convert it to PNG")
    if "MAX_TEXT" in reason:
        what = f"holds more than {LONGEST_TEXT >> 20} MiB of text or colour profile"
        return FileError(path, what, "save it without metadata")
    return FileError(path, f"this {kind} cannot be decoded", "replace or remove the file", reason)
