"""Matches label maps to photos, and selects photos by a list of names."""

from __future__ import annotations

import os.path
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infoseg_bench.errors import FileError, UsageError, UserError, first_few, printable
from infoseg_bench.images.photo_files import PHOTO_SUFFIXES, Listing, list_folder, list_photos
from infoseg_bench.utils.text import plural, read_text

LABEL_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp"})
"""Formats of label maps that keep every value, which GIF does not; chosen by this project."""

FEW = 50
"""Number of photos that are compared with every label map to guess a suffix; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class MatchedFiles:
    """Photos and their label maps.

    Attributes:
        photos: photos by id
        labels: label maps by the id of their photo
        left_out: other files that were found, as lines for the summary
        faults: files that cannot be used
    """

    photos: Mapping[str, Path]
    labels: Mapping[str, Path]
    left_out: Mapping[str, str]
    faults: Sequence[FileError]


def match_files(
    images: Path, labels: Path | None, *, image_suffix: str = "", label_suffix: str = ""
) -> MatchedFiles:
    """Find photos and label maps whose paths below the two folders are the same except for the suffixes.

    Args:
        images: folder of the photos
        labels: folder of the label maps, or None; it may be the folder of the photos or a subfolder of it
        image_suffix: ending of the photos' names before the file type; other files are ignored
        label_suffix: ending of the label maps' names before the file type; other files are ignored

    Raises:
        UserError: a folder is unreadable or empty, or no label map belongs to a photo
    """
    maps = Listing(folder=images) if labels is None else _label_maps(labels, label_suffix)
    found = list_photos(images)
    taken = set(map(os.path.realpath, maps.files.values())) if labels is not None else set()
    if labels is not None and taken >= set(map(os.path.realpath, found.files.values())):
        raise UsageError(
            f"--images and --labels {printable(labels)} contain the same files: use --label-suffix with the "
            "ending that only label maps have, or move them to a separate folder"
        )
    found.files = {name: path for name, path in found.files.items() if os.path.realpath(path) not in taken}
    photos = found.with_suffix(image_suffix)
    if not photos.files:
        raise UserError(
            f"{printable(images)}: no photo is named *{image_suffix}: found {first_few(list(found.files))}"
        )
    matched, alone = _match(photos.files, maps.files)
    if alone and not matched:
        raise UserError(_none_matches(photos, maps))
    faults = [*photos.faults, *maps.faults, *_without_photo(alone, photos, matched)]
    left_out = {
        f"left out of {what}": listing.left_out_line
        for what, listing in (("the photos", photos), ("the labels", maps))
        if listing.left_out
    }
    return MatchedFiles(photos=photos.files, labels=matched, left_out=left_out, faults=faults)


def chosen_by_list(path: Path, photos: Mapping[str, Path], option: str) -> set[str]:
    """Return the ids of the photos that a text file names, one per line, with or without folder and suffix.

    Args:
        path: the text file
        photos: photos by id
        option: option that names the file, for messages

    Raises:
        UserError: the file cannot be read or is empty, or a name fits no photo or several photos
    """
    lines = [line.strip() for line in read_text(path, "list of photos").splitlines()]
    names = [_plain_id(line) for line in lines if line]
    if not names:
        raise UserError(f"{printable(path)}: the list of photos is empty: write one name per line")
    by_name: dict[str, list[str]] = {}
    for photo in photos:
        by_name.setdefault(photo.rpartition("/")[2], []).append(photo)
    chosen = {name: [name] if name in photos else by_name.get(name, []) for name in names}
    unknown = [name for name, ids in chosen.items() if not ids]
    if unknown:
        raise UserError(
            f"{option} {printable(path)}: {len(unknown)} of {plural(len(chosen), 'name')} not found "
            f"among the photos ({first_few(unknown, 10)}): remove these lines, or add the photos"
        )
    ambiguous = [name for name, ids in chosen.items() if len(ids) > 1]
    if ambiguous:
        raise UserError(
            f"{option} {printable(path)}: {plural(len(ambiguous), 'name')} found in several folders "
            f"({first_few(ambiguous, 10)}): write the folder before the name"
        )
    return {ids[0] for ids in chosen.values()}


def _plain_id(line: str) -> str:
    path = PurePosixPath(unicodedata.normalize("NFC", line).replace("\\", "/"))
    return str(path.with_suffix("") if path.suffix.lower() in PHOTO_SUFFIXES else path)


def _label_maps(folder: Path, suffix: str) -> Listing:
    everything = list_folder(folder, PHOTO_SUFFIXES)
    maps = everything.with_suffix(suffix)
    if not maps.files:
        named = f" named *{suffix}" if suffix else ""
        passed = f"; left out: {maps.left_out_line}" if maps.left_out else ""
        raise UserError(
            f"{printable(folder)}: no label PNGs{named}: check the path, or leave out --labels{passed}"
        )
    for name, path in list(maps.files.items()):
        if path.suffix.lower() not in LABEL_SUFFIXES:
            del maps.files[name]
            maps.faults.append(
                FileError(
                    path, "label maps must be PNGs, which keep every value", "convert it from its source"
                )
            )
    return maps


def _match(photos: Mapping[str, Path], maps: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the label maps by the id of their photo, and those without a photo by their own id."""
    full, matched, alone = _with_suffixes(photos), dict[str, Path](), dict[str, Path]()
    for name, path in maps.items():
        photo = name if name in photos else full.get(name)
        if photo is None or photo in matched:
            alone[name] = path
        else:
            matched[photo] = path
    if not matched and maps:
        return _match_below(photos, maps)
    return matched, alone


def _with_suffixes(photos: Mapping[str, Path]) -> dict[str, str]:
    """Return ids by id and suffix: some tools name the label map of a.jpg "a.jpg.png"."""
    return {f"{name}{path.suffix}": name for name, path in photos.items()}


def _match_below(
    photos: Mapping[str, Path], maps: Mapping[str, Path]
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Match again, ignoring folders that contain all files of one of the two folders."""
    short, below = _from_common_folder(photos), _from_common_folder(maps)
    matched = {short[name]: maps[below[name]] for name in below if name in short}
    alone = [label for name, label in below.items() if name not in short]
    return matched, {label: maps[label] for label in alone}


def _from_common_folder(names: Iterable[str]) -> dict[str, str]:
    """Return the names by their path below the deepest folder that contains all of them."""
    common = os.path.commonpath([name.rpartition("/")[0] for name in names])
    return {name.removeprefix(f"{common}/" if common else ""): name for name in names}


def _without_photo(
    alone: Mapping[str, Path], photos: Listing, matched: Mapping[str, Path]
) -> list[FileError]:
    where = printable(photos.folder)
    full = _with_suffixes(photos.files)
    cased = {name.casefold(): name for name in (*photos.files, *full)} if alone else {}
    faults = []
    for name, path in alone.items():
        if (photo := full.get(name, name)) in matched:
            text = f"a second label map of the photo {photo!r}, beside {matched[photo].name}"
            faults.append(FileError(path, "two label maps of one photo", "remove one of them", alone=text))
            continue
        other = cased.get(name.casefold())
        remedy = (
            "add the photo or remove the label map"
            if other is None
            else f"rename it to {other!r}: upper and lower case are distinguished"
        )
        text = f"no photo {name!r} in {where} for this label map"
        faults.append(
            FileError(path, f"label map without a photo of its name in {where}", remedy, alone=text)
        )
    return faults


def _none_matches(photos: Listing, maps: Listing) -> str:
    name, first = next(iter(maps.files)), next(iter(photos.files))
    some = list(photos.files)[:FEW]
    ending = next(
        (other[len(photo) :] for photo in some for other in maps.files if other.startswith(photo)), ""
    )
    remedy = (
        f"use --label-suffix {ending}, or rename the label maps"
        if ending
        else "rename the label maps, or use --label-suffix and --image-suffix with the endings in which they "
        "differ"
    )
    return (
        f"{printable(maps.folder)}: none of {len(maps.files)} label maps has the name of one of the "
        f"{len(photos.files)} photos (label map {name!r}, photo {first!r}): {remedy}"
    )
