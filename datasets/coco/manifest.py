"""The manifest of a selection of COCO photos: a CSV file that lists the photos and their crops."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from infoseg_bench.data.centre_crop import crop_corner
from infoseg_bench.datasets.coco.annotations import CocoPhoto
from infoseg_bench.errors import UserError
from infoseg_bench.images.resize import scaled_side
from infoseg_bench.utils.atomic import write_text
from infoseg_bench.utils.text import read_text


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """One selected photo; the fields are the columns of the manifest.

    Attributes:
        id: COCO's id of the photo
        split: train2017 or val2017
        scale: factor by which the photo is scaled before cropping
        crop_top: row of the crop's upper edge in the scaled photo, negative where padded
        crop_left: column of its left edge
        crop_side: side of the crop in pixels
        crowds: how crowds of persons are labelled: person or void
        share: fraction of the crop's pixels that are person, with six decimals
        licence: licence of the photo, as COCO names it
        licence_url: address of the licence
    """

    id: int
    split: str
    scale: str
    crop_top: int
    crop_left: int
    crop_side: int
    crowds: str
    share: str
    licence: str
    licence_url: str

    @classmethod
    def of(cls, photo: CocoPhoto, *, scale: float, crop: int, crowds: bool, pixels: int) -> ManifestRow:
        """Return the row of a photo with `pixels` person pixels in its crop."""
        scaled = scaled_side(photo.height, scale), scaled_side(photo.width, scale)
        top, left = crop_corner(*scaled, crop)
        return cls(
            id=photo.id,
            split=photo.split,
            scale=repr(scale),
            crop_top=top,
            crop_left=left,
            crop_side=crop,
            crowds="person" if crowds else "void",
            share=f"{pixels / crop**2:.6f}",
            licence=photo.licence,
            licence_url=photo.licence_url,
        )


COLUMNS = tuple(column.name for column in fields(ManifestRow))


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read a manifest.

    Raises:
        UserError: the file is missing or empty, has other columns, or a value is not a number
    """
    text = read_text(path, "manifest")
    try:
        lines = list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise UserError(f"{path}: not a manifest ({error}): use the CSV that prepare wrote") from None
    if not lines:
        raise UserError(f"{path}: the manifest lists no photos: use the CSV that prepare wrote")
    rows = [_row(line, number, path) for number, line in enumerate(lines, start=2)]
    if len({row.id for row in rows}) < len(rows):
        raise UserError(f"{path}: a photo is listed twice: use the CSV that prepare wrote")
    return rows


@contextmanager
def manifest_beside(path: Path, rows: Sequence[ManifestRow]) -> Iterator[None]:
    """Write the manifest of a store that is put in place within the `with` block.

    The manifest is written before the store, so that a store never lacks its manifest. If the block raises,
    the previous manifest is restored.

    Raises:
        UserError: it cannot be written
    """
    earlier = path.read_bytes() if path.is_file() else None
    try:
        write_text(path, _text(rows))
        yield
    except BaseException:
        if earlier is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(earlier)
        raise


def _text(rows: Sequence[ManifestRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, column) for column in COLUMNS] for row in rows)
    return text.getvalue()


def _row(line: dict[str, str], number: int, path: Path) -> ManifestRow:
    if tuple(line) != COLUMNS:
        raise UserError(f"{path}: line {number}: the columns must be {','.join(COLUMNS)}")
    try:
        row = ManifestRow(
            **{  # type: ignore[arg-type]
                name: int(value) if name in ("id", "crop_top", "crop_left", "crop_side") else value
                for name, value in line.items()
            }
        )
        float(row.scale), float(row.share)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: line {number}: {error}: use the CSV that prepare wrote") from None
    return row
