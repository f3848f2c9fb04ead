"""The selection of COCO-Persons: by rank in complete COCO, by threshold in subsets, or from a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.datasets.coco.annotations import CocoPhoto
from infoseg_bench.datasets.coco.files import COMPLETE, CocoFiles
from infoseg_bench.datasets.coco.manifest import ManifestRow, read_manifest
from infoseg_bench.datasets.coco.person_pixels import (
    PersonPixels,
    largest_shares,
    photos_there,
    shares_between,
)
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.preparation.build_cache import BuildCache
from infoseg_bench.utils.progress import ProgressFactory


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The selected photos.

    Attributes:
        photos: the photos, ordered by id
        pixels: person pixels in the crop by photo id, at least for these photos
        note: how they were selected, for every leaderboard
        summary: lines for the user
        complete: whether they were selected from all of COCO, by rank
    """

    photos: list[CocoPhoto]
    pixels: dict[int, int]
    note: str
    summary: dict[str, str]
    complete: bool = False


def choose(
    pixels: PersonPixels,
    source: CocoFiles,
    *,
    photos: int,
    min_share: float,
    max_share: float,
    cache: BuildCache,
    progress: ProgressFactory,
) -> Choice:
    """Select the `photos` largest shares if all of COCO is available, else all shares from `min_share` up.

    Shares are the part of the crop that persons cover, from 0 to 1; none above `max_share` is selected.

    Args:
        pixels: counts the pixels of persons
        source: the COCO files
        photos: number of photos of the complete data set
        min_share: minimum share, if COCO is incomplete
        max_share: maximum share
        cache: keeps counts for an interrupted build
        progress: shows the progress

    Raises:
        UserError: there are no photos, or none has such a share
    """
    annotations = pixels.annotations
    present = photos_there(source, pixels.files, annotations)
    candidates = [photo for photo in annotations.with_persons if photo.id in present]
    counts = pixels.count_all(candidates, cache, progress)
    most = max_share * pixels.options.crop**2
    if len(present) == COMPLETE:
        chosen = largest_shares(counts, photos=photos, most=most)
        rule = f"the {len(chosen)} largest person shares up to {max_share:.0%}"
    else:
        chosen = shares_between(counts, least=max(min_share * pixels.options.crop**2, 1.0), most=most)
        rule = f"person shares of {min_share:.0%} to {max_share:.0%}"
    if not chosen:
        raise UserError(
            f"{source.root}: none of {len(present)} photos has {rule} within the crop: "
            "choose a lower --min-share or a higher --max-share"
        )
    return Choice(
        photos=[annotations.photos[photo] for photo in chosen],
        pixels=counts,
        note=_note(rule, len(present), pixels.crowds),
        summary=_summary(pixels, len(present), len(counts), rule),
        complete=len(present) == COMPLETE,
    )


def rebuild(
    pixels: PersonPixels, source: CocoFiles, path: Path, *, cache: BuildCache, progress: ProgressFactory
) -> Choice:
    """Select what a manifest lists, and check that the annotations still give the same crops and shares.

    Raises:
        UserError: a photo is not annotated, or its manifest row would differ now
        UsageError: the manifest was made with another scale, crop or treatment of crowds
    """
    rows = sorted(read_manifest(path), key=lambda row: row.id)
    _check_options(rows, path, pixels)
    known = pixels.annotations.photos
    unknown = next((row.id for row in rows if row.id not in known), None)
    if unknown is not None:
        raise UserError(
            f"{path}: photo {unknown} is not in the annotations of {source.root}: use complete COCO"
        )
    counts = pixels.count_all([known[row.id] for row in rows], cache, progress)
    for row in rows:
        if pixels.manifest_row(known[row.id], counts[row.id]) != row:
            raise UserError(f"{path}: photo {row.id} differs in {source.root}: use the same official files")
    return Choice(
        photos=[known[row.id] for row in rows],
        pixels=counts,
        note=f"reconstructed: {len(rows)} photos as listed in {path.name}; {_crowds(pixels.crowds)}",
        summary={"selection": f"reconstructed: as listed in {path.name}"},
    )


def _check_options(rows: list[ManifestRow], path: Path, pixels: PersonPixels) -> None:
    made = {(float(row.scale), row.crop_side, row.crowds) for row in rows}
    if made == {(pixels.options.scale, pixels.options.crop, "person" if pixels.crowds else "void")}:
        return
    if len(made) > 1:
        raise UserError(f"{path}: rows of different scale, crop or crowds: use the CSV that prepare wrote")
    scale, crop, crowds = made.pop()
    switch = "--crowds" if crowds == "person" else "--no-crowds"
    raise UsageError(f"{path}: made with other options: add --scale {scale} --crop {crop} {switch}")


def _note(rule: str, present: int, crowds: bool) -> str:
    extent = "all of COCO" if present == COMPLETE else f"a subset of {present} COCO photos"
    return f"reconstructed: {rule} in the crop, of {extent}; {_crowds(crowds)}"


def _crowds(crowds: bool) -> str:
    return "crowds are person" if crowds else "crowds are void"


def _summary(pixels: PersonPixels, present: int, with_persons: int, rule: str) -> dict[str, str]:
    listed = len(pixels.annotations.photos)
    return {
        "annotated": f"{listed} photos of {' and '.join(pixels.annotations.splits)}",
        "missing on disk": f"{listed - present}, skipped",
        "with persons": str(with_persons),
        "selection": f"reconstructed{'' if present == COMPLETE else ' on a subset'}: {rule} within the crop",
    }
