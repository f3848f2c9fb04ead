"""Computes raw counts from a folder of label maps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.centre_crop import crop_corner
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.view import View
from infoseg_bench.errors import UserError, first_few, printable
from infoseg_bench.images.label_images import Colour
from infoseg_bench.images.palette_agreement import PaletteAgreement
from infoseg_bench.preparation.shorter_side import ShorterSideOptions
from infoseg_bench.scoring.counts import confusion_counts
from infoseg_bench.scoring.dropped import kept_clusters
from infoseg_bench.submissions.label_files import Faults, Unscorable, find_label_files, read_label_map
from infoseg_bench.utils.parallel import ordered_map
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.text import plural

ExtraClusters = Literal["corrected", "published"]
MOST_CELLS = 1 << 27
"""Largest number of image x cluster x class counts: one GiB; chosen by this project."""


@dataclass(frozen=True)
class _ImageCounts:
    """Pixels of one image by occurring cluster and by class; size and colours of its file."""

    clusters: Int64[np.ndarray, " present"]
    pixels: Int64[np.ndarray, "present cls"]
    size: tuple[int, int]
    palette: dict[int, Colour] | None


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """The scored photos, in the order of the store.

    Attributes:
        ids: ids of the photos
        sizes: heights and widths of the whole photos, int `photo 2`
        labels: labels of their centre crops, uint8 `crop crop` each
        scaling: how the recipe scaled the photos; None: label maps of other scales are not accepted
    """

    ids: list[str]
    sizes: np.ndarray
    labels: list[UInt8[np.ndarray, "crop crop"]]
    scaling: ShorterSideOptions | None


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The pixels of label maps.

    Attributes:
        counts: by cluster and class
        ids: ids of the photos
        warnings: what is suspicious about the label maps, one line each
        scored: of all photos together, those of which scores are made
    """

    counts: Int64[np.ndarray, "image cluster cls"]
    ids: list[str]
    warnings: list[str]
    scored: Int64[np.ndarray, "scored cls"]


def evaluated(prepared: PreparedDataset, *, protocol: str) -> Evaluated:
    """Read the scored photos' ids, sizes and labels.

    Raises:
        UserError: no such protocol, or there is no photo to score
    """
    view, arrays, ids = prepared.view, prepared.store.arrays(labels=True), prepared.store.ids()
    if len(view.evaluation) == 0:
        raise UserError(f"{view.name}: no photo to score: prepare it again with labels")
    photos = EvaluationSet(arrays, view, protocol=protocol, device=torch.device("cpu"))
    return Evaluated(
        ids=[ids[photo] for photo in view.evaluation],
        sizes=arrays.sizes[view.evaluation],
        labels=[labels[0].numpy() for _, labels in photos.batches(1)],
        scaling=ShorterSideOptions.of_store(json.loads(prepared.store.attributes.get("options", "{}"))),
    )


def count_folder(
    folder: Path,
    prepared: PreparedDataset,
    others: Mapping[str, PreparedDataset],
    *,
    protocol: str,
    ignore_extra: bool,
    extra_clusters: ExtraClusters,
    progress: ProgressFactory,
) -> Counted:
    """Count the pixels of every label map by cluster and class. Clusters may have any numbers.

    Args:
        folder: folder with one PNG or NPY per scored photo, named after its id, of the whole photo or its
            centre crop; also of the whole photo at another scale if the recipe scales the shorter side
        prepared: the data set
        others: all data sets by name, to recognise label maps of another one
        protocol: label protocol
        ignore_extra: whether to ignore files that belong to no scored photo
        extra_clusters: "published": those whose numbers are not below the number of classes will be dropped,
            as in STEGO's evaluator
        progress: shows how many label maps have been counted

    Raises:
        UserError: label maps are missing, superfluous, or of a wrong size or type
    """
    photos = evaluated(prepared, protocol=protocol)
    files = _matching_files(folder, prepared, others, photos.ids, ignore_extra=ignore_extra)
    n_classes, faults = len(prepared.view.classes), Faults()

    def work(index: int) -> _ImageCounts | Unscorable:
        try:
            numbers, palette = read_label_map(files[photos.ids[index]])
            clusters, pixels = _count(_centre(numbers, photos, index), photos.labels[index], n_classes)
            return _ImageCounts(clusters, pixels, numbers.shape, palette)
        except Unscorable as error:
            return error

    counted, palettes = list[_ImageCounts](), PaletteAgreement()
    with closing(ordered_map(work, range(len(photos.ids)), progress, "counting")) as results:
        for name, result in zip(photos.ids, results, strict=True):
            if isinstance(result, Unscorable):
                faults.add(result.kind, [files[name].name + result.detail])
            else:
                counted.append(result)
                palettes.add(printable(files[name].name), result.palette)
    _refuse(folder, faults)
    if palettes.conflict:
        raise UserError(
            f"{printable(folder)}: not scored: the palettes disagree: {palettes.conflict}: save the cluster "
            "numbers themselves, with one palette for all or as greyscale"
        )
    drops = extra_clusters == "published"
    counts = _together(counted, n_classes, folder, numbered=drops)
    found = zip(photos.ids, (image.palette for image in counted), strict=True)
    warnings = [
        palettes.warning,
        _unlike_the_classes(prepared.view, found),
        _scaled(photos, counted),
        _dropped(counts.sum(axis=0), folder) if drops else "",
    ]
    total = counts.sum(axis=0)
    return Counted(
        counts=counts,
        ids=photos.ids,
        warnings=[line for line in warnings if line],
        scored=kept_clusters(total) if drops else total,
    )


def _dropped(counts: Int64[np.ndarray, "cluster cls"], folder: Path) -> str:
    """Say in one line how many pixels are dropped.

    Raises:
        UserError: all of them
    """
    kept = int(kept_clusters(counts).sum())
    if not kept:
        raise UserError(
            f"{folder}: no label map has a number below {counts.shape[1]}, the number of classes: with extra "
            "clusters dropped, nothing is left to score"
        )
    share = 100 * (1 - kept / int(counts.sum()))
    return f"pixels of extra clusters are dropped, as in STEGO's evaluator: {share:.1f} % of all pixels"


def _unlike_the_classes(view: View, palettes: Iterable[tuple[str, dict[int, Colour] | None]]) -> str:
    """Say in one line that a class's colour stands for another number; empty where none does."""
    agreement = PaletteAgreement()
    agreement.add(f"the classes of {view.name}", dict(enumerate(view.palette)))
    for name, palette in palettes:
        agreement.add(name, palette)
    reason = (
        f"{agreement.conflict}: numbers are used, not colours, and are matched to classes by their pixels"
    )
    return reason if agreement.conflict else ""


def _matching_files(
    folder: Path,
    prepared: PreparedDataset,
    others: Mapping[str, PreparedDataset],
    ids: list[str],
    *,
    ignore_extra: bool,
) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder: use the folder with the label maps")
    listing = find_label_files(folder)
    files = listing.files
    if not files:
        found = f", but {listing.left_out_line}" if listing.left_out else ""
        raise UserError(f"{folder}: no .png or .npy files{found}: use the folder with the label maps")
    if not files.keys() & set(ids):
        raise UserError(f"{folder}: {_another(files, prepared, others, ids)}")
    faults = Faults()
    faults.add("missing", [name for name in ids if name not in files])
    for fault in listing.faults:
        kind = "with both PNG and NPY" if "shares" in fault.kind else f"of which {fault.kind}: {fault.remedy}"
        faults.add(kind, [printable(Path(str(fault.path)).relative_to(folder).with_suffix(""))])
    if not ignore_extra:
        extra = sorted(files.keys() - set(ids))
        faults.add("extra (--ignore-extra leaves them out)", [files[name].name for name in extra])
    _refuse(folder, faults)
    return files


def _another(
    files: Mapping[str, Path],
    prepared: PreparedDataset,
    others: Mapping[str, PreparedDataset],
    ids: list[str],
) -> str:
    name = prepared.view.name
    for other, candidate in others.items():
        known = candidate.store.ids()
        if other != name and files.keys() & {known[photo] for photo in candidate.view.evaluation}:
            return f"made for the data set {other!r}, not for {name!r}: use --dataset {other}"
    return (
        f"none of its {len(files)} files ({first_few(list(files))}) has the name of an image of {name!r} "
        f"({first_few(ids)}): rename the files, or use --dataset with another data set"
    )


def _refuse(folder: Path, faults: Faults) -> None:
    if faults:
        raise UserError(f"{folder}: not scored: {faults}")


def _centre(clusters: np.ndarray, photos: Evaluated, index: int) -> Int64[np.ndarray, "crop crop"]:
    """Return the scored part of a cluster map; values outside of the photo do not matter, they are void."""
    crop, (height, width) = photos.labels[index].shape[0], photos.sizes[index].tolist()
    stored, scaling = (height, width), photos.scaling
    if clusters.shape == (crop, crop):
        return clusters
    other = clusters.shape != stored and clusters.size > 0
    if other and scaling is not None and scaling.stored_size(*clusters.shape) == stored:
        clusters = scaling.scaled_clusters(clusters)
    if clusters.shape != stored:
        raise Unscorable(
            f"of the wrong size, neither the photo's nor its scored centre's {crop}x{crop}",
            f" ({clusters.shape[0]}x{clusters.shape[1]} for a photo of {height}x{width})",
        )
    top, left = crop_corner(height, width, crop)
    rows = np.clip(np.arange(crop) + top, 0, height - 1)
    columns = np.clip(np.arange(crop) + left, 0, width - 1)
    return np.asarray(clusters[rows[:, None], columns])


def _scaled(photos: Evaluated, counted: Sequence[_ImageCounts]) -> str:
    """Say in one line how many label maps were scaled; empty if none was."""
    scaled = [
        f"{image.size[0]}x{image.size[1]}"
        for image, photo, labels in zip(counted, photos.sizes.tolist(), photos.labels, strict=True)
        if image.size not in (tuple(photo), labels.shape)
    ]
    if not scaled:
        return ""
    sizes = first_few(sorted(set(scaled)))
    return f"{plural(len(scaled), 'label map')} of {sizes} scaled as the labels were, by nearest neighbours"


def _count(
    clusters: np.ndarray, labels: np.ndarray, n_classes: int
) -> tuple[Int64[np.ndarray, " present"], Int64[np.ndarray, "present cls"]]:
    present, numbered = np.unique(clusters, return_inverse=True)
    counts = confusion_counts(
        torch.from_numpy(numbered.reshape(1, *clusters.shape).astype(np.int64)),
        torch.from_numpy(labels)[None],
        n_clusters=len(present),
        n_classes=n_classes,
    )
    return present, counts[0].numpy()


def _together(counted: list[_ImageCounts], n_classes: int, folder: Path, *, numbered: bool) -> np.ndarray:
    clusters = np.unique(np.concatenate([image.clusters for image in counted]))
    if numbered or len(clusters) > n_classes:
        # STEGO's evaluator goes by the numbers: the first rows are those below the number of classes.
        clusters = np.union1d(np.arange(n_classes), clusters)
    if len(counted) * len(clusters) * n_classes > MOST_CELLS:
        raise UserError(
            f"{folder}: {len(clusters)} different numbers in {len(counted)} label maps, too many clusters: "
            "use the same cluster numbers in all images"
        )
    counts = np.zeros((len(counted), len(clusters), n_classes), dtype=np.int64)
    for image, of_image in zip(counts, counted, strict=True):
        image[np.searchsorted(clusters, of_image.clusters)] = of_image.pixels
    if not counts.any():
        raise UserError(f"{folder}: every label of the scored photos is void: nothing to score")
    return counts
