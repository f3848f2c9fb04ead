from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from infoseg_bench.errors import UserError
from infoseg_bench.images.label_images import open_labels, read_label_colours, read_labels
from infoseg_bench.images.photos import read_photo
from tests.images.test_photos import RGB, write

VALUES = np.array([[0, 1, 2], [3, 2, 255]], dtype=np.uint8)


def test_labels_are_grey_values_or_palette_indices(tmp_path: Path) -> None:
    palette = Image.fromarray(VALUES)
    palette.putpalette([value // 3 for value in range(768)])
    images = {
        "grey": Image.fromarray(VALUES),
        "palette": palette,
        "deep": Image.fromarray(VALUES.astype(np.uint16)),
    }
    for name, image in images.items():
        np.testing.assert_array_equal(read_labels(write(tmp_path / f"{name}.png", image)), VALUES)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_labels_of_few_bits_keep_their_stored_values(tmp_path: Path, bits: int) -> None:
    values = np.array([[0, 1, 1, 0]], dtype=np.uint8) * (2**bits - 1)
    path = tmp_path / "labels.png"
    _write_grey_png(path, values, bits)
    np.testing.assert_array_equal(read_labels(path), values)


@pytest.mark.parametrize("zero_is_white", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_labels_in_a_tiff_keep_their_stored_values_too(
    tmp_path: Path, bits: int, zero_is_white: bool
) -> None:
    values = (np.arange(12).reshape(3, 4) % 2**bits).astype(np.uint8)
    packed = np.packbits(np.unpackbits(values[..., None], axis=2)[..., 8 - bits :].reshape(3, -1), axis=1)
    tags = [(256, 4), (257, 3), (258, bits), (259, 1), (262, 0 if zero_is_white else 1), (273, 122)]
    tags += [(277, 1), (278, 3), (279, packed.size)]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    head += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags) + bytes(4)
    path = tmp_path / "labels.tif"
    path.write_bytes(head + packed.tobytes())
    assert len(head) == 122
    np.testing.assert_array_equal(read_labels(path), values)


def test_bad_labels_are_named_with_the_remedy(tmp_path: Path) -> None:
    colour = write(tmp_path / "colour.png", Image.fromarray(RGB))
    alpha = write(tmp_path / "alpha.png", Image.fromarray(RGB).convert("RGBA"))
    deep = write(tmp_path / "deep.png", Image.fromarray(np.full((2, 2), 300, dtype=np.uint16)))
    for path in (colour, alpha):
        with pytest.raises(UserError, match=rf"{path.name}: a colour image .*one channel"):
            read_labels(path)
    with pytest.raises(UserError, match=r"deep\.png: label value 300 is over 255: use values of 0 to 255"):
        read_labels(deep)
    negative = write(tmp_path / "negative.tif", Image.fromarray(np.array([[-1, 3]], dtype=np.int32)))
    with pytest.raises(UserError, match=r"negative\.tif: label value -1 is below 0: use values of 0 to 255"):
        read_labels(negative)
    several = write(
        tmp_path / "several.tif",
        Image.fromarray(VALUES),
        save_all=True,
        append_images=[Image.fromarray(VALUES)],
    )
    for read in (read_labels, read_label_colours):
        with pytest.raises(UserError, match=r"several\.tif: a label map of several pages or frames"):
            read(several)
    tifffile.imwrite(tmp_path / "float.tif", VALUES.astype(np.float32))
    with pytest.raises(UserError, match=r"float\.tif: floating-point numbers, not class numbers"):
        read_labels(tmp_path / "float.tif")
    with pytest.raises(UserError, match=r"none\.png: no such label map"):
        read_labels(tmp_path / "none.png")


def _write_grey_png(path: Path, values: np.ndarray, bits: int) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b""
    for row in values:
        packed = np.unpackbits(row[:, None], axis=1)[:, 8 - bits :]
        rows += b"\0" + np.packbits(packed.ravel()).tobytes()
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def test_the_colours_of_the_palette_indices_that_occur_are_known(tmp_path: Path) -> None:
    image = Image.fromarray(VALUES)
    image.putpalette([value // 3 for value in range(768)])
    found = open_labels(write(tmp_path / "palette.png", image))
    assert found.palette == {value: (value, value, value) for value in (0, 1, 2, 3, 255)}
    assert open_labels(write(tmp_path / "grey.png", Image.fromarray(VALUES))).palette is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_label_colours_are_those_that_a_viewer_shows(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)
    path = write(tmp_path / "colours.png", image)
    np.testing.assert_array_equal(read_label_colours(path), np.asarray(image.convert("RGB")))


def test_pixels_that_are_transparent_have_no_colour(tmp_path: Path) -> None:
    image = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    image[0, :, 3] = 0
    found = read_label_colours(write(tmp_path / "a.png", Image.fromarray(image)))
    assert not found[0].any()
    np.testing.assert_array_equal(found[1:], RGB[1:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_label_maps_are_turned_as_their_photo_would_be(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write(tmp_path / "a.png", Image.fromarray(VALUES), exif=exif)
    np.testing.assert_array_equal(
        open_labels(path, upright=True).codes, read_photo(path, upright=True)[..., 0]
    )
    np.testing.assert_array_equal(open_labels(path).codes, VALUES)
    colours = read_label_colours(path, upright=True)
    np.testing.assert_array_equal(colours, read_photo(path, upright=True))
