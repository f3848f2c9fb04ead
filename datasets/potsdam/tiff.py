"""Reading TIFF tiles of a known size."""

from __future__ import annotations

import io
import logging
import struct

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.errors import FileError
from infoseg_bench.images.codecs import HEAD, no_image
from infoseg_bench.utils.source_files import OfficialFile

UNDECODABLE = (ValueError, IndexError, KeyError, TypeError, OSError, struct.error)
"""Exceptions that tifffile raises for damaged files; its own error is a ValueError."""

# tifffile also logs what it raises, but an error should be one line.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def read_tile(file: OfficialFile, *, side: int, bands: int) -> UInt8[np.ndarray, "{side} {side} {bands}"]:
    """Read a square tile of 8 bits per band.

    Raises:
        FileError: the file is missing, damaged, or has another size or number of bands
    """
    # tifffile is slow to import, and every command loads every recipe.
    import tifffile

    content = file.read()
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            page = tiff.pages.first
            shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
            if shape != (side, side, bands) or page.dtype != np.uint8:
                kind = f"not the official {side}x{side} of {bands} bands (uint8)"
                found = f"{shape[1]}x{shape[0]} pixels of {shape[2]} bands ({page.dtype})"
                alone = f"{found}, {kind}"
                raise FileError(file, kind, "fetch the official file", found, alone)
            pixels = page.asarray()
    except UNDECODABLE as error:
        reason = " ".join(str(error).split())
        if "imagecodecs" in reason:
            remedy = "pip install 'infoseg-bench[tiff]', or save the TIFF uncompressed"
            raise FileError(file, reason, remedy) from error
        kind, remedy = no_image(content[:HEAD]) or ("this TIFF cannot be decoded", "fetch it again")
        raise FileError(file, kind, remedy, reason) from error
    bands_first = pixels.shape == (bands, side, side) and page.planarconfig == 2
    return np.moveaxis(pixels, 0, -1) if bands_first else pixels.reshape(side, side, bands)
