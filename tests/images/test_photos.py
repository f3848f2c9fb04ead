from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infoseg_bench.errors import UserError
from infoseg_bench.images.photos import read_labels, read_photo

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
VALUES = np.array([[0, 1, 2], [3, 2, 255]], dtype=np.uint8)


def write(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "RGB"])
def test_every_colour_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)
    path = write(tmp_path / ("photo.tif" if mode == "CMYK" else "photo.png"), image)
    np.testing.assert_array_equal(read_photo(path, upright=True), np.asarray(image.convert("RGB")))


def test_a_transparent_palette_becomes_rgb(tmp_path: Path) -> None:
    image = Image.fromarray(RGB).convert("P")
    path = write(tmp_path / "photo.png", image, transparency=bytes(range(200)))
    np.testing.assert_array_equal(read_photo(path, upright=True), np.asarray(image.convert("RGB")))


def test_a_cmyk_jpeg_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "photo.jpg", Image.fromarray(RGB).convert("CMYK"))
    assert read_photo(path, upright=True).shape == (5, 7, 3)


UPRIGHT = [
    RGB,
    RGB[:, ::-1],
    RGB[::-1, ::-1],
    RGB[::-1],
    RGB.transpose(1, 0, 2),
    np.rot90(RGB, -1),
    RGB[::-1, ::-1].transpose(1, 0, 2),
    np.rot90(RGB),
]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write(tmp_path / f"photo{suffix}", Image.fromarray(RGB), exif=exif)
    np.testing.assert_array_equal(read_photo(path, upright=True), UPRIGHT[orientation - 1])


def test_the_stored_frame_is_kept_on_demand_and_where_exif_data_are_damaged(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = write(tmp_path / "turned.png", Image.fromarray(RGB), exif=exif)
    damaged = write(tmp_path / "damaged.png", Image.fromarray(RGB), exif=b"Exif\0\0no data")
    np.testing.assert_array_equal(read_photo(turned, upright=False), RGB)
    np.testing.assert_array_equal(read_photo(damaged, upright=True), RGB)


def test_bad_photos_are_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = write(tmp_path / "deep.png", Image.fromarray(RGB[..., 0].astype(np.uint16)))
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    short = write(tmp_path / "short.png", Image.fromarray(RGB))
    short.write_bytes(short.read_bytes()[:60])
    with pytest.raises(UserError, match=r"deep\.png: a photo of more than 8 bits.*save it with 8 bits"):
        read_photo(deep, upright=True)
    with pytest.raises(UserError, match=r"text\.jpg: .*unknown format.*replace or remove"):
        read_photo(text, upright=True)
    with pytest.raises(UserError, match=r"short\.png: .*cannot be decoded.*replace or remove"):
        read_photo(short, upright=True)
    with pytest.raises(UserError, match=r"none\.jpg: no such photo: check the path"):
        read_photo(tmp_path / "none.jpg", upright=True)


@pytest.mark.parametrize("limit", [10, 30])
def test_photos_beyond_pillows_limit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    path = write(tmp_path / "bomb.png", Image.fromarray(RGB))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UserError, match=rf"bomb\.png: a photo of more than {limit} pixels: scale it down"):
        read_photo(path, upright=True)


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


def test_bad_labels_are_named_with_the_remedy(tmp_path: Path) -> None:
    colour = write(tmp_path / "colour.png", Image.fromarray(RGB))
    alpha = write(tmp_path / "alpha.png", Image.fromarray(RGB).convert("RGBA"))
    deep = write(tmp_path / "deep.png", Image.fromarray(np.full((2, 2), 300, dtype=np.uint16)))
    for path in (colour, alpha):
        with pytest.raises(UserError, match=rf"{path.name}: a colour image .*one channel"):
            read_labels(path)
    with pytest.raises(UserError, match=r"deep\.png: label value 300 is over 255: use values of 0 to 255"):
        read_labels(deep)
    with pytest.raises(UserError, match=r"none\.png: no such label map"):
        read_labels(tmp_path / "none.png")


def _write_grey_png(path: Path, values: np.ndarray, bits: int) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b""
    for row in values:
        packed = np.unpackbits(row[:, None], axis=1)[:, 8 - bits :]
        rows += b"\0" + np.packbits(packed.ravel()).tobytes()
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
