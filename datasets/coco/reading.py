"""Reading COCO's instance annotations, `annotations/instances_{train2017,val2017}.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infoseg_bench.datasets.coco.annotations import CocoPhoto, PersonAnnotations
from infoseg_bench.datasets.coco.files import CocoFiles
from infoseg_bench.datasets.coco.json_stream import read_array, stream_array
from infoseg_bench.datasets.coco.masks import encode, union
from infoseg_bench.errors import FileError, UserError
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.source_files import OfficialFile

PERSON = "person"
"""COCO's name of the category of persons."""


def read_person_annotations(source: CocoFiles, progress: ProgressFactory) -> PersonAnnotations:
    """Read the instance annotations of the available splits, one element at a time.

    Entries of another form than COCO's become faults.

    Raises:
        UserError: there are no annotations, or a file is damaged
    """
    files = source.annotations()
    result = PersonAnnotations(splits=tuple(files))
    for split in progress(result.splits, "annotations"):
        path = files[split].file(f"instances_{split}.json")
        _read_photos(path, split, result)
        _read_persons(path, result)
    result.photos = dict(sorted(result.photos.items()))
    return result


def _read_photos(path: OfficialFile, split: str, result: PersonAnnotations) -> None:
    licences = {
        entry.get("id"): (str(entry.get("name", "")), str(entry.get("url", "")))
        for entry in read_array(path, "licenses")
        if isinstance(entry, dict)
    }
    for entry in read_array(path, "images"):
        try:
            photo = _photo(entry, split, licences)
        except (AttributeError, KeyError, TypeError, ValueError):
            result.faults.append(_fault(path, "not a valid entry for a photo", _short(entry)))
            continue
        if photo.id in result.photos:
            result.faults.append(_fault(path, "listed twice", f"photo {photo.id}"))
        result.photos.setdefault(photo.id, photo)


def _photo(entry: Any, split: str, licences: dict[Any, tuple[str, str]]) -> CocoPhoto:
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


def _read_persons(path: OfficialFile, result: PersonAnnotations) -> None:
    categories = read_array(path, "categories")
    person = next((e.get("id") for e in categories if isinstance(e, dict) and e.get("name") == PERSON), None)
    if person is None:
        raise UserError(f"{path}: no category {PERSON!r}: use COCO's instance annotations")
    for value in stream_array(path, "annotations"):
        try:
            if value["category_id"] == person:
                _add_person(value, result)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            whole = isinstance(value, dict)
            number = value.get("id") if whole else _short(value)
            result.faults.append(_fault(path, _reason(error), f"annotation {number}"))
            if whole and isinstance(value.get("image_id"), int):
                result.broken.add(value["image_id"])


def _add_person(entry: dict[str, Any], result: PersonAnnotations) -> None:
    photo = result.photos.get(entry["image_id"])
    if photo is None:
        raise ValueError(f"there is no photo {entry['image_id']}")
    masks = result.crowds if entry.get("iscrowd", 0) else result.persons
    mask = encode(entry["segmentation"], photo.height, photo.width)
    masks[photo.id] = union([masks[photo.id], mask]) if photo.id in masks else mask


def _fault(path: OfficialFile, kind: str, which: str) -> FileError:
    return FileError(path, kind, "fetch the annotations again", which, f"{which}: {kind}")


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
