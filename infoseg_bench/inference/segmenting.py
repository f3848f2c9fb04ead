"""A person's own photos, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.images.photo_files import list_photos
from infoseg_bench.images.photos import read_photo
from infoseg_bench.inference.drawing import write_labels, write_overlay
from infoseg_bench.inference.model import Model


def chosen_photos(images: Sequence[Path], out: Path) -> list[Path]:
    """Return the photos that are named, those of named folders included.

    Raises:
        UserError: no such file, an empty folder, two photos of one name, or results among the photos
    """
    photos: list[Path] = []
    for image in images:
        if image.is_dir() and out.resolve() == image.resolve():
            raise UsageError(f"--out {out} is the photos' folder: results would be segmented next time")
        photos += list_photos(image) if image.is_dir() else [image]
    by_stem: dict[str, Path] = {}
    for photo in photos:
        if photo.stem in by_stem:
            raise UsageError(
                f"{by_stem[photo.stem]} and {photo} have one name, and so would their results: "
                "segment them into two --out folders"
            )
        by_stem[photo.stem] = photo
    return photos


def segment_file(model: Model, photo: Path, out: Path, *, scale: float) -> str:
    """Write a photo's label PNG and overlay into `out`.

    Returns:
        the shares of the classes, in words

    Raises:
        UserError: the photo cannot be read, or the files not written
    """
    pixels = read_photo(photo, upright=True)
    try:
        labels = model.predict(pixels, scale=scale)
    except (UserError, ValueError) as error:
        raise UserError(f"{photo}: {error}") from None
    write_labels(out / f"{photo.stem}-labels.png", labels, model.palette)
    write_overlay(out / f"{photo.stem}-overlay.png", pixels, labels, model.palette)
    shares = np.bincount(labels.ravel(), minlength=256) / labels.size
    found = np.argsort(-shares[: len(model.classes)], kind="stable")
    return ", ".join(f"{100 * shares[i]:.1f} % {model.classes[i]}" for i in found if shares[i] > 0)
