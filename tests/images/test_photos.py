from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from infoseg_bench.errors import UserError
from infoseg_bench.images.photos import PLUGINS, open_photo, read_photo

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


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
    with pytest.raises(UserError, match=r"deep\.png: a photo with more than 8 bits.*save it with 8 bits"):
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
    with pytest.raises(UserError, match=rf"bomb\.png: a photo with more than {limit} pixels: scale it down"):
        read_photo(path, upright=True)


def write_deep(path: Path, samples: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), samples)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_read_by_their_upper_byte_unless_they_are_fewer(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (5, 7, channels), dtype=np.uint16).squeeze()
    whole = open_photo(write_deep(tmp_path / f"whole{suffix}", samples), upright=True)
    assert whole.deep
    expected = (samples >> 8).reshape(5, 7, -1)[..., :3]
    np.testing.assert_array_equal(whole.pixels, np.broadcast_to(expected[..., ::-1], (5, 7, 3)))
    for bits in (10, 12, 14):
        path = write_deep(tmp_path / f"few{suffix}", samples >> (16 - bits))
        with pytest.raises(UserError, match=rf"few{suffix}: .*uses only the lower ones.*save it with 8 bits"):
            read_photo(path, upright=True)


def test_a_png_with_long_text_and_profile_is_read(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("XML:com.adobe.xmp", "x" * 3_000_000, zip=True)
    path = write(tmp_path / "a.png", Image.fromarray(RGB), pnginfo=text, icc_profile=b"\0" * 2_000_000)
    np.testing.assert_array_equal(read_photo(path, upright=True), RGB)


@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_newer_formats_are_read_where_pillow_can(tmp_path: Path, suffix: str) -> None:
    if not features.check(suffix[1:]):
        pytest.skip(f"this Pillow has no {suffix}")
    path = write(tmp_path / f"photo{suffix}", Image.fromarray(RGB))
    assert read_photo(path, upright=True).shape == (5, 7, 3)


def test_a_format_that_takes_a_plug_in_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PLUGINS, ".jxl", "no_such_plugin")
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a something")
    with pytest.raises(UserError, match=r"a\.jxl: Pillow cannot decode \.jxl files: pip install"):
        read_photo(tmp_path / "a.jxl", upright=True)


def test_whether_exif_data_turn_a_photo_is_known_in_either_frame(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = write(tmp_path / "turned.jpg", Image.fromarray(RGB), exif=exif)
    straight = write(tmp_path / "straight.jpg", Image.fromarray(RGB))
    for upright in (True, False):
        assert open_photo(turned, upright=upright).turned
        assert not open_photo(straight, upright=upright).turned
