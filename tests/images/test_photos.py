from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from infoseg_bench.errors import UserError
from infoseg_bench.images.codecs import CODECS, codec_of
from infoseg_bench.images.photos import open_photo, read_photo

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


def test_a_deep_tiff_in_which_zero_is_white_is_inverted_as_a_shallow_one(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (5, 7), dtype=np.uint16)
    for bits, values in ((8, (samples >> 8).astype(np.uint8)), (16, samples)):
        tifffile.imwrite(tmp_path / f"{bits}.tif", values, photometric="miniswhite")
    read = [read_photo(tmp_path / f"{bits}.tif", upright=True) for bits in (8, 16)]
    np.testing.assert_array_equal(read[0], read[1])
    np.testing.assert_array_equal(read[1][..., 0], 255 - (samples >> 8))


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


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\xff\x0a rest", r"JPEG XL, which Pillow cannot decode here: pip install pillow-jxl-plugin"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", r"HEIC, which .*: pip install pillow-heif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", r"AVIF, which .*: pip install pillow-avif-plugin"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", r"WebP, which .*: pip install --force-reinstall pillow, whose wheels"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", r"JPEG 2000, which .*, or convert it to PNG"),
    ],
)
def test_a_codec_that_is_missing_is_named_with_what_to_install_whatever_the_file_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, words: str
) -> None:
    monkeypatch.setattr(features, "check", lambda feature: False)
    for package in ("pillow_jxl", "pillow_heif", "pillow_avif"):
        monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "a.jpg").write_bytes(head)
    with pytest.raises(UserError, match=rf"a\.jpg: {words}"):
        read_photo(tmp_path / "a.jpg", upright=True)


def test_a_plug_in_that_is_installed_is_loaded_and_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    plugin = SimpleNamespace(register_heif_opener=lambda: called.append("heif"))
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    codec = codec_of(b"\0\0\0\x18ftypheic")
    assert codec in CODECS
    assert codec is not None
    assert codec.is_installed()
    assert called == ["heif"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file: copy it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS.*git lfs pull"),
        (b"<!DOCTYPE html><p>404", "a web page, not an image"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg>", "XML or a drawing of lines"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "a zip archive.*unpack it"),
    ],
)
def test_what_is_no_image_is_named_as_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=rf"a\.png: {words}"):
        read_photo(tmp_path / "a.png", upright=True)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((5, 7), np.float32), "a photo of floating-point numbers: save it with 8 bits"),
        (np.zeros((5, 7), np.int32), "a photo of 32 bits per channel: save it with 8 bits"),
        (np.zeros((5, 7, 3), np.float32), r"a TIFF that Pillow cannot decode \(3 bands of float32\): save"),
        (np.zeros((5, 7, 5), np.uint8), r"a TIFF that Pillow cannot decode \(5 bands of uint8\)"),
    ],
)
def test_tiffs_of_other_numbers_or_bands_are_named(tmp_path: Path, samples: np.ndarray, words: str) -> None:
    photometric = "rgb" if samples.shape[2:] == (3,) else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric=photometric, planarconfig="contig")
    with pytest.raises(UserError, match=rf"a\.tif: {words}"):
        read_photo(tmp_path / "a.tif", upright=True)


@pytest.mark.parametrize("suffix", [".gif", ".tif", ".webp", ".png"])
def test_of_several_images_the_first_is_read_and_that_is_known(tmp_path: Path, suffix: str) -> None:
    first, second = Image.fromarray(RGB), Image.fromarray(RGB[::-1])
    path = write(tmp_path / f"a{suffix}", first, save_all=True, append_images=[second])
    assert open_photo(path, upright=True).several
    assert not open_photo(write(tmp_path / f"b{suffix}", first), upright=True).several
    if suffix in (".tif", ".png"):
        np.testing.assert_array_equal(read_photo(path, upright=True), RGB)


def test_smaller_copies_in_a_tiff_and_previews_of_a_camera_do_not_count(tmp_path: Path) -> None:
    first, small = Image.fromarray(RGB), Image.fromarray(RGB[:2, :3])
    pyramid = write(tmp_path / "a.tif", first, save_all=True, append_images=[small])
    phone = write(tmp_path / "a.jpg", first, format="MPO", save_all=True, append_images=[first])
    assert not open_photo(pyramid, upright=True).several
    assert not open_photo(phone, upright=True).several


def test_whether_exif_data_turn_a_photo_is_known_in_either_frame(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = write(tmp_path / "turned.jpg", Image.fromarray(RGB), exif=exif)
    straight = write(tmp_path / "straight.jpg", Image.fromarray(RGB))
    for upright in (True, False):
        assert open_photo(turned, upright=upright).turned
        assert not open_photo(straight, upright=upright).turned
