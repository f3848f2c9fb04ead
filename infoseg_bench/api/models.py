"""Use of trained runs: loading models, exporting weights, and segmenting photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import torch

from infoseg_bench.contracts.registry import PLUGIN_MODULE, load_recipes
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.errors import UsageError, UserError, printable
from infoseg_bench.inference.card import model_card, of_the_last_step
from infoseg_bench.inference.finding import find_run, load_run
from infoseg_bench.inference.model import Model
from infoseg_bench.inference.overlays import write_legend
from infoseg_bench.inference.segmenting import chosen_photos, segment_file
from infoseg_bench.inference.weights import save_model
from infoseg_bench.records.spec import Postprocess
from infoseg_bench.utils.arguments import paths
from infoseg_bench.utils.atomic import write_text
from infoseg_bench.utils.device import choose_device
from infoseg_bench.utils.progress import ProgressFactory, no_progress

PathLikes = str | PathLike[str]
LARGEST_SCALE = 8
"""Factor by which photos are scaled at most; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """The files written by `export`.

    Attributes:
        file: the safetensors file
        card: the model card, in Markdown
        weights: number of weights in the file
        note: which step the weights are of, if the run has selected another; may be empty
    """

    file: Path
    card: Path
    weights: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """The result of `segment_photos`.

    Attributes:
        photos: a text with the shares of the classes, for each segmented photo
        faults: a message for each photo that could not be segmented
        out: folder of the written files
        unfinished: whether the run is not finished, so that clusters are not yet matched to classes
    """

    photos: dict[Path, str]
    faults: tuple[str, ...]
    out: Path
    unfinished: bool


def get_model(
    run: PathLikes,
    *,
    results: PathLikes = "results",
    data: PathLikes = "data",
    device: str = "auto",
    plugins: Sequence[PathLikes] = (),
    allow_unfinished: bool = False,
) -> Model:
    """Return the trained model of a run.

    Args:
        run: a run folder, or the beginning of a run's identity or name
        results: folder of the runs
        data: folder of the prepared data sets; only needed for an unfinished run
        device: "auto" or a torch device
        plugins: files with more methods
        allow_unfinished: whether to use the last checkpoint of a run that is not finished

    Raises:
        UserError: no such run, not finished, or without weights
    """
    model, _ = load_run(
        find_run(str(run), Path(results)), data=Path(data), device=choose_device(device),
        plugins=paths(plugins), allow_unfinished=allow_unfinished,
    )  # fmt: skip
    return model


def export(
    run: PathLikes,
    out: PathLikes | None = None,
    *,
    licence: str = "not stated",
    results: PathLikes = "results",
    data: PathLikes = "data",
    plugins: Sequence[PathLikes] = (),
) -> Exported:
    """Write a finished run's weights as safetensors, for `load_model`, and a model card beside them.

    Args:
        run: a run folder, or the beginning of a run's identity or name
        out: the file to write; None: DATASET-METHOD-seedN.safetensors in the current folder
        licence: licence of the weights, for the model card
        results: folder of the runs
        data: folder of the prepared data sets, for the licence of the photos
        plugins: files with more methods

    Raises:
        UserError: no such run, not finished, without weights, or the file cannot be written
    """
    if out is not None and Path(out).suffix != ".safetensors":
        raise UsageError(f"--out {out}: use a name that ends in .safetensors")
    model, record = load_run(
        find_run(str(run), Path(results)), data=Path(data), device=torch.device("cpu"),
        plugins=paths(plugins),
    )  # fmt: skip
    if record is None:
        raise UserError(f"{run}: this run is not finished")
    spec = record.spec
    file = Path(out) if out is not None else Path(f"{spec.dataset}-{spec.method}-seed{spec.seed}.safetensors")
    weights = save_model(model, spec, file)
    photos = _licence(spec.dataset, Path(data))
    card = model_card(
        record, file=file.name, weights=weights, data_licence=photos, licence=licence,
        plugin=type(model.method).__module__.startswith(PLUGIN_MODULE),
    )  # fmt: skip
    write_text(file.with_suffix(".md"), card)
    return Exported(file=file, card=file.with_suffix(".md"), weights=weights, note=of_the_last_step(record))


def segment_photos(
    *photos: PathLikes,
    run: PathLikes,
    out: PathLikes = "segmented",
    scale: float = 1.0,
    postprocess: Postprocess | None = None,
    allow_unfinished: bool = False,
    device: str = "auto",
    results: PathLikes = "results",
    data: PathLikes = "data",
    plugins: Sequence[PathLikes] = (),
    progress: ProgressFactory = no_progress,
    on_photo: Callable[[Path, str], None] = lambda photo, shares: None,
    log: Callable[[str], None] = lambda line: None,
) -> Segmented:
    """Segment photos of any size with a trained run, and write label PNGs, overlays and a legend.

    Args:
        photos: photos, and folders of photos
        run: a run folder, or the beginning of a run's identity or name
        out: folder to write to
        scale: factor by which photos are scaled first, in (0, 8]; the results have the photo's size
        postprocess: "mirror" averages the method's scores over every tile and its mirror image; None: as in
            the run's evaluations
        allow_unfinished: whether to use the last checkpoint of a run that is not finished
        device: "auto" or a torch device
        results: folder of the runs
        data: folder of the prepared data sets; only needed for an unfinished run
        plugins: files with more methods
        progress: shows how many photos have been segmented
        on_photo: called with every segmented photo and a text with the shares of its classes
        log: called with a line of text for every photo or file that is left out

    Raises:
        UserError: no such run, without weights, or no photo
        UsageError: a scale out of range
    """
    if not 0 < scale <= LARGEST_SCALE:
        raise UsageError(f"scale={scale}: use a number above 0 and up to {LARGEST_SCALE}")
    folder = Path(out)
    chosen = chosen_photos([Path(photo) for photo in photos], folder)
    model, record = load_run(
        find_run(str(run), Path(results)), data=Path(data), device=choose_device(device),
        plugins=paths(plugins), allow_unfinished=allow_unfinished,
    )  # fmt: skip
    if postprocess is not None:
        model = replace(model, postprocess=postprocess)
    for place, line in chosen.left_out.items():
        log(f"left out of {printable(place)}: {line}")
    if line := of_the_last_step(record):
        log(f"note: {line}")
    if warning := write_legend(folder, model.classes, model.palette):
        log(f"warning: {warning}")
    segmented, faults = dict[Path, str](), [str(fault) for fault in chosen.faults]
    for fault in faults:
        log(f"left out: {fault}")
    for name, photo in progress(list(chosen.photos.items()), "segmenting"):
        try:
            segmented[photo] = segment_file(model, photo, folder, name, scale=scale)
            on_photo(photo, segmented[photo])
        except UserError as error:
            faults.append(str(error))
            log(f"left out: {error}")
    return Segmented(photos=segmented, faults=tuple(faults), out=folder, unfinished=record is None)


def _licence(dataset: str, data: Path) -> str:
    prepared, _ = prepared_datasets(data)
    if dataset in prepared:
        return str(prepared[dataset].store.attributes.get("licence", "not stated"))
    recipe = load_recipes().recipes.get(dataset)
    return recipe.licence if recipe else "not stated"
