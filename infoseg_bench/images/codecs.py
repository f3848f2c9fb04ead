"""What a file is by its first bytes, whatever its name says, and what it takes to read it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from PIL import features

HEAD = 64
"""Bytes that tell what a file is; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Codec:
    """An image format that not every installation of Pillow decodes.

    Attributes:
        name: of the format
        begins: regular expression of its first bytes
        feature: Pillow's name for it, if Pillow can decode it by itself
        package: package that teaches Pillow the format, if there is one
        module: module of that package
        register: its function that must be called, if importing is not enough
    """

    name: str
    begins: bytes
    feature: str = ""
    package: str = ""
    module: str = ""
    register: str = ""

    @property
    def remedy(self) -> str:
        """What to do where it is missing."""
        package = self.package or f"--force-reinstall pillow, whose wheels have {self.name}"
        return f"pip install {package}, or convert it to PNG"

    def is_installed(self) -> bool:
        """Return whether Pillow can decode it here; a package that is installed is loaded."""
        if self.feature and features.check(self.feature):
            return True
        with suppress(ImportError):
            module = importlib.import_module(self.module or "no such module")
            if self.register:
                register: Callable[[], None] = getattr(module, self.register)
                register()
            return True
        return False


CODECS = (
    Codec(
        name="AVIF", begins=rb"....ftyp(avi[fs]|mif1.{0,40}avif)", feature="avif",
        package="pillow-avif-plugin", module="pillow_avif",
    ),
    Codec(
        name="HEIC", begins=rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)",
        package="pillow-heif", module="pillow_heif", register="register_heif_opener",
    ),
    Codec(
        name="JPEG XL", begins=rb"\xff\x0a|\0\0\0\x0cJXL ",
        package="pillow-jxl-plugin", module="pillow_jxl",
    ),
    Codec(name="WebP", begins=rb"RIFF....WEBP", feature="webp"),
    Codec(name="JPEG 2000", begins=rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", feature="jpg_2000"),
)  # fmt: skip

NO_IMAGES = {
    rb"$": ("an empty file", "copy it again, or remove it"),
    rb"version https://git-lfs": ("a pointer of Git LFS, not the file itself", "fetch it with git lfs pull"),
    rb"\s*(<!doctype html|<html)": ("a web page, not an image", "download the image itself"),
    rb"(\xef\xbb\xbf)?\s*(<\?xml|<svg)": (
        "XML or a drawing of lines, not pixels",
        "export it as PNG",
    ),
    rb"%PDF": ("a PDF, not an image", "export its pages as PNG"),
    rb"PK\x03\x04": ("a zip archive, not an image", "unpack it"),
}
"""First bytes of what lies among images and is none, with what it is and the remedy."""


def codec_of(head: bytes) -> Codec | None:
    """Return the codec that an image with these first bytes needs; None: Pillow always has it."""
    return next((codec for codec in CODECS if re.match(codec.begins, head, re.DOTALL)), None)


def no_image(head: bytes) -> tuple[str, str] | None:
    """Return what a file with these first bytes is, and the remedy, if it is known not to be an image."""
    found = (what for begins, what in NO_IMAGES.items() if re.match(begins, head, re.DOTALL | re.IGNORECASE))
    return next(found, None)
