"""Reading photos from image files."""

from __future__ import annotations

import contextlib
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
from infoseg_bench.images.codecs import HEAD, codec_of, no_image
from infoseg_bench.utils.source_files import OfficialFile

LARGEST = 1 << 29
"""Maximum pixels of an image, as protection against decompression bombs: 512 Mi, chosen by this project."""

LONGEST_TEXT = 1 << 28
"""Maximum bytes of text or colour profile in a PNG, for the same reason: 256 MiB, chosen by this project."""

BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262
"""The TIFF tags BitsPerSample, with one value per channel, and PhotometricInterpretation, 0 if 0 is white."""

DARKEST = 64
"""Minimum upper byte of the brightest 16-bit sample: a quarter of the range, which samples of 14 bits or
fewer do not reach; chosen by this project."""

ORIENTATION = 0x0112
"""The EXIF tag Orientation; 1 is upright, 2 to 8 are mirrored or rotated."""

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
"""Exceptions that Pillow's decoders raise on damaged files."""

# Pillow only warns about images up to twice its limit; warning filters set per read are not thread-safe.
warnings.simplefilter("error", Image.DecompressionBombWarning)
# Damaged metadata leave a photo as it is, and are no news to people.
warnings.filterwarnings("ignore", "Corrupt EXIF data|Metadata Warning|Truncated File Read", UserWarning)
Image.MAX_IMAGE_PIXELS = LARGEST
# Photo editors store whole histories as text, which Pillow limits to 1 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = LONGEST_TEXT


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo read from an image file.

    Attributes:
        pixels: red, green and blue, 0 to 255
        turned: whether its EXIF orientation is other than upright
        deep: whether the file has more than 8 bits per channel, of which the upper 8 are kept
        several: whether the file holds more images of this size, of which the first was read
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    turned: bool
    deep: bool
    several: bool = False


def read_photo(path: Path | OfficialFile, *, upright: bool) -> UInt8[np.ndarray, "height width 3"]:
    """Return the pixels of a photo; takes the arguments and raises the errors of `open_photo`."""
    return open_photo(path, upright=upright).pixels


def open_photo(path: Path | OfficialFile, *, upright: bool) -> Photo:
    """Read a photo as red, green and blue.

    Greyscale, palette and CMYK are converted. An alpha channel is dropped and the colours under it are kept.
    Of 16 bits per channel the upper 8 are kept. Photos that use less than a quarter of that range, such as
    12 bits stored as 16, are refused because they would become black.

    Args:
        path: a file of any format that Pillow decodes, or a member of an archive
        upright: whether to rotate the photo by its EXIF orientation, as viewers do; False keeps the stored
            frame, to which COCO's annotations refer

    Raises:
        FileError: missing, damaged, truncated, over 8 bits but too dark, or more than LARGEST pixels
    """
    with image_file(path, "photo") as image:
        bits, several = bits_per_sample(image), has_several(image)
        if bits > 16:
            numbers = "floating-point numbers" if image.mode == "F" else f"{bits} bits per channel"
            raise FileError(path, f"a photo of {numbers}", "save it with 8 bits")
        image.load()
        turned = False
        # A photo with damaged EXIF data is not rotated.
        with contextlib.suppress(*UNDECODABLE, TypeError, Warning):
            turned = orientation(image) > 1
            if upright:
                ImageOps.exif_transpose(image, in_place=True)
        pixels = _upper_byte(image) if image.mode.startswith("I;16") else np.asarray(_rgb(image))
        if bits > 8 and int(pixels.max(initial=0)) < DARKEST:
            kind = "a photo with more than 8 bits per channel that uses only the lower ones"
            raise FileError(path, kind, "save it with 8 bits", f"{bits} bits, {image.mode}")
        return Photo(pixels=pixels, turned=turned, deep=bits > 8, several=several)


@contextlib.contextmanager
def image_file(path: Path | OfficialFile, kind: str) -> Iterator[ImageFile.ImageFile]:
    """Open an image file, and raise decoding errors of the `with` block as a `FileError`.

    Args:
        path: a file, or a member of an archive
        kind: the word for it in messages, such as "photo"

    Raises:
        FileError: missing, damaged, truncated, unknown format, or more than LARGEST pixels
    """
    head = b""
    try:
        with io.BytesIO(path.read()) if isinstance(path, OfficialFile) else path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(0)
            codec = codec_of(head)
            if codec is not None and not codec.is_installed():
                raise FileError(path, f"{codec.name}, which Pillow cannot decode here", codec.remedy)
            with Image.open(file) as image:
                yield image
    except UnidentifiedImageError as error:
        raise _unknown(path, kind, head) from error
    except UNDECODABLE as error:
        raise _unreadable(path, kind, error) from error


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8."""
    found = image.getexif().get(ORIENTATION, 1)
    return int(found) if found in range(2, 9) else 1


def has_several(image: ImageFile.ImageFile) -> bool:
    """Return whether a file holds a further image of the same size, as animations and documents do.

    The previews that cameras add (MPO) and the smaller copies in a TIFF do not count.
    """
    with contextlib.suppress(*UNDECODABLE):
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            size = image.size
            image.seek(1)
            same = image.size == size
            image.seek(0)
            return same
    return False


def bits_per_sample(image: ImageFile.ImageFile) -> int:
    """Return the bits per channel in the file; for colour images, Pillow itself keeps only 8."""
    if image.mode[0] in "IF":
        return 16 if image.mode.startswith("I;16") else 32
    declared = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, 8)
    deepest = int(max(declared)) if isinstance(declared, tuple) else int(declared)
    # For PNGs, only the decoder's raw mode shows it, such as RGB;16B.
    return max(deepest, 16 if ";16" in raw_mode(image) else 8)


def raw_mode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for how pixels are stored in a file, such as "L;4"; empty once it is loaded."""
    arguments = image.tile[0][3] if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _upper_byte(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0:
        # Pillow inverts TIFFs in which 0 is white only if they have 8 bits or fewer.
        grey = 255 - grey
    return np.repeat(grey[..., None], 3, axis=-1)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "P" and "transparency" in image.info:
        # Converting such a palette directly to RGB makes Pillow warn.
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _unknown(path: Path | OfficialFile, kind: str, head: bytes) -> FileError:
    found = no_image(head)
    if found is not None:
        return FileError(path, *found)
    if head.startswith((b"II*\0", b"MM\0*")):
        return FileError(path, "a TIFF that Pillow cannot decode", "save it with 8 bits", _samples(path))
    return FileError(path, f"this {kind} cannot be decoded", "replace or remove the file", "unknown format")


def _samples(path: Path | OfficialFile) -> str:
    """Return what a TIFF holds, such as "5 bands of float32"; empty if it is damaged."""
    import tifffile

    with contextlib.suppress(*UNDECODABLE, IndexError, KeyError, TypeError), path.open("rb") as file:
        page = tifffile.TiffFile(io.BytesIO(file.read())).pages.first
        return f"{page.samplesperpixel} bands of {page.dtype}"
    return ""


def _unreadable(path: Path | OfficialFile, kind: str, error: Exception) -> FileError:
    if isinstance(error, FileNotFoundError):
        return FileError(path, f"no such {kind}", "check the path")
    if isinstance(error, PermissionError):
        return FileError(path, f"no permission to read this {kind}", "change its permissions")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        what = f"a {kind} with more than {Image.MAX_IMAGE_PIXELS} pixels"
        return FileError(path, what, "scale it down or cut it into tiles")
    reason = " ".join(str(error).split())
    if "MAX_TEXT" in reason:
        what = f"more than {LONGEST_TEXT >> 20} MiB of text or colour profile"
        return FileError(path, what, "save it without metadata")
    if reason.startswith("decoder ") and reason.endswith("not available"):
        return FileError(path, f"packed by a codec that Pillow lacks here ({reason})", "convert it to PNG")
    return FileError(path, f"this {kind} cannot be decoded", "replace or remove the file", reason)
