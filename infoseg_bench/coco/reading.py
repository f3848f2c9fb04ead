"""Reading COCO's instance annotations from their files.

Expected layout: `annotations/instances_{train2017,val2017}.json` with the photos in folders
named as the splits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infoseg_bench.coco.annotations import CocoPhoto, PersonAnnotations
from infoseg_bench.coco.json_stream import read_array, stream_array
from infoseg_bench.coco.masks import encode, union
from infoseg_bench.errors import UserError
from infoseg_bench.progress import ProgressFactory

SPLITS = ("train2017", "val2017")
"""COCO's annotated splits."""

LAYOUT = "expected annotations/instances_{train2017,val2017}.json and the photos in train2017/ and val2017/"
"""The source folder in one line."""

PERSON = "person"
"""COCO's name of the category."""


def read_person_annotations(source: Path, progress: ProgressFactory) -> PersonAnnotations:
    """Read the instance annotations of the splits that are there, one element at a time.

    Raises:
        UserError: no annotations, or an entry that is not COCO's, with the file and the entry
    """
    files = {split: source / "annotations" / f"instances_{split}.json" for split in SPLITS}
    found = [split for split in SPLITS if files[split].is_file()]
    if not found:
        raise UserError(f"{source}: no COCO annotations here: {LAYOUT}")
    result = PersonAnnotations(splits=tuple(found))
    for split in progress(found, "annotations"):
        _read_photos(files[split], split, result)
        _read_persons(files[split], result)
    result.photos = dict(sorted(result.photos.items()))
    return result


def _read_photos(path: Path, split: str, result: PersonAnnotations) -> None:
    licences = {
        entry.get("id"): (str(entry.get("name", "")), str(entry.get("url", "")))
        for entry in read_array(path, "licenses")
        if isinstance(entry, dict)
    }
    for entry in read_array(path, "images"):
        photo = _photo(entry, split, licences, path)
        if photo.id in result.photos:
            raise UserError(f"{path}: photo {photo.id} is listed twice: fetch the annotations again")
        result.photos[photo.id] = photo


def _photo(entry: Any, split: str, licences: dict[Any, tuple[str, str]], path: Path) -> CocoPhoto:
    try:
        licence, url = licences.get(entry.get("license"), ("unknown", ""))
        name, height, width = str(entry["file_name"]), int(entry["height"]), int(entry["width"])
        if Path(name).name != name or height < 1 or width < 1:
            raise ValueError
        return CocoPhoto(
            id=int(entry["id"]),
            split=split,
            file_name=name,
            height=height,
            width=width,
            licence=licence,
            licence_url=url,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(
            f"{path}: not an entry of a photo: {_short(entry)}: fetch the annotations again"
        ) from None


def _read_persons(path: Path, result: PersonAnnotations) -> None:
    categories = read_array(path, "categories")
    person = next((e.get("id") for e in categories if isinstance(e, dict) and e.get("name") == PERSON), None)
    if person is None:
        raise UserError(f"{path}: no category {PERSON!r}: these are not COCO's instance annotations")
    for value in stream_array(path, "annotations"):
        try:
            if value["category_id"] == person:
                _add_person(value, result)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            number = value.get("id") if isinstance(value, dict) else _short(value)
            raise UserError(
                f"{path}: annotation {number}: {_reason(error)}: fetch the annotations again"
            ) from None


def _add_person(entry: dict[str, Any], result: PersonAnnotations) -> None:
    photo = result.photos.get(entry["image_id"])
    if photo is None:
        raise ValueError(f"there is no photo {entry['image_id']}")
    masks = result.crowds if entry.get("iscrowd", 0) else result.persons
    mask = encode(entry["segmentation"], photo.height, photo.width)
    masks[photo.id] = union([masks[photo.id], mask]) if photo.id in masks else mask


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
