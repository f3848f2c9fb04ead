"""Segmentation of a user's photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from infoseg_bench.errors import FileError, UsageError, UserError, printable
from infoseg_bench.images.photo_files import list_photos
from infoseg_bench.images.photos import read_photo
from infoseg_bench.inference.model import Model
from infoseg_bench.inference.overlays import LEGEND, write_labels, write_overlay

LABELS, OVERLAY = "-labels.png", "-overlay.png"
"""Ends of the names of the pictures of a photo's segments."""


@dataclass(frozen=True, kw_only=True)
class ChosenPhotos:
    """The photos to segment.

    Attributes:
        photos: the photos, by the name of their results: the path in the given folder, without suffix
        faults: photos without a valid or unique name
        left_out: a text with the files left out, for each folder
    """

    photos: dict[str, Path] = field(default_factory=dict)
    faults: list[FileError] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)


def chosen_photos(paths: Sequence[Path], out: Path) -> ChosenPhotos:
    """Return the given photos, and those in the given folders and their subfolders, but no results in `out`.

    Raises:
        UserError: no such folder, or a folder without photos
        UsageError: two photos of the same name, or `out` is one of the folders
    """
    chosen = ChosenPhotos()
    for path in paths:
        if path.is_dir() and out.resolve() == path.resolve():
            raise UsageError(
                f"--out {printable(out)} is the photos' folder, so results would be segmented next time: "
                "choose another"
            )
        if not path.is_dir():
            _add({path.stem: path}, chosen)
            continue
        listing = list_photos(path)
        chosen.faults.extend(fault for fault in listing.faults if not _is_result(fault.path, out))
        _add({name: photo for name, photo in listing.files.items() if not _is_result(photo, out)}, chosen)
        if listing.left_out:
            chosen.left_out[path] = listing.left_out_line
    if not paths:
        raise UserError("no photo to segment: give photos, or folders of photos")
    if not (chosen.photos or chosen.faults):
        raise UserError(f"no photos but the results in --out {printable(out)}: give others, or another --out")
    return chosen


def _is_result(file: object, out: Path) -> bool:
    """Return whether a file is among the results of an earlier call."""
    named = str(file).endswith((LABELS, OVERLAY, LEGEND))
    return named and isinstance(file, Path) and file.resolve().is_relative_to(out.resolve())


def _add(photos: Mapping[str, Path], chosen: ChosenPhotos) -> None:
    for name, photo in photos.items():
        if name in chosen.photos and chosen.photos[name].resolve() != photo.resolve():
            raise UsageError(
                f"{printable(chosen.photos[name])} and {printable(photo)} have the same name, and so would "
                "their results: segment them separately, with different --out folders"
            )
        chosen.photos[name] = photo


def segment_file(model: Model, photo: Path, out: Path, name: str, *, scale: float) -> str:
    """Write a photo's label PNG and overlay into `out`, as NAME-labels.png and NAME-overlay.png.

    Returns:
        the shares of the classes as text, largest first

    Raises:
        UserError: the photo cannot be read, or the files cannot be written
    """
    pixels = read_photo(photo, upright=True)
    try:
        labels = model.predict(pixels, scale=scale)
    except (UserError, ValueError) as error:
        raise UserError(f"{printable(photo)}: {error}") from None
    write_labels(out / f"{name}{LABELS}", labels, model.palette)
    write_overlay(out / f"{name}{OVERLAY}", pixels, labels, model.palette)
    shares = np.bincount(labels.ravel(), minlength=256) / labels.size
    found = np.argsort(-shares[: len(model.classes)], kind="stable")
    return ", ".join(f"{100 * shares[i]:.1f} % {model.classes[i]}" for i in found if shares[i] > 0)
