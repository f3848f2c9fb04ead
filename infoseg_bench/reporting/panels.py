"""Qualitative panels like InfoSeg's Figure 4: photo, ground truth, and what every method predicts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image

from infoseg_bench.contracts.registry import load_recipes
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UserError
from infoseg_bench.inference.checkpointed import Photos, predict, read_photos, to_bytes
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.contact_sheet import Column, contact_sheet
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.rows import Row
from infoseg_bench.runs.assemble import Setting
from infoseg_bench.scoring.matching import UNMATCHED, one_to_one

METHODS = 8
"""Columns of methods at most; chosen by this project."""
FIXED, EXTREME = 4, 3
"""Photos of the fixed selection, and of the best and the worst ones; chosen by this project."""
UNMATCHED_COLOUR = (128, 128, 128)
VOID_COLOUR = (0, 0, 0)


@dataclass(frozen=True)
class Panel:
    """One picture: which selection it is of, what it shows, and the PNG."""

    name: str
    description: str
    png: bytes


@dataclass(frozen=True, kw_only=True)
class Panels:
    """A board's panels.

    Attributes:
        pictures: none where photos or weights are not at hand
        notes: what is missing, or differs from the records
        publishable: whether the licence of the photos lets these pictures be published
    """

    pictures: tuple[Panel, ...] = ()
    notes: tuple[str, ...] = ()
    publishable: bool = False


def make_panels(board: Board, rows: Sequence[Row], data: Path, *, plugins: Sequence[Path] = ()) -> Panels:
    """Draw the panels of a board: a fixed selection, and the photos of highest and lowest mean PA.

    Args:
        board: the board
        rows: whose first seeds are shown, `METHODS` of them at most
        data: folder of the stores
        plugins: files with more methods and recipes
    """
    prepared = prepared_datasets(data)[0].get(board.dataset) if data.is_dir() else None
    if prepared is None or prepared.store.fingerprint != board.fingerprint:
        return Panels(
            notes=(f"No panels: the photos of {board.dataset} are not at hand; --data names their folder.",)
        )
    runs = [row.runs[0] for row in rows if RunFolder(row.runs[0].folder.path).has_checkpoint()][:METHODS]
    if not runs:
        return Panels(notes=("No panels: no run of this board keeps its checkpoint.pt here.",))
    photos = read_photos(prepared, board.protocol)
    selections = _selections(runs)
    chosen = sorted({index for indices in selections.values() for index in indices})
    columns, notes = _columns(
        board, runs, photos, chosen, Setting(data=data, device=torch.device("cpu"), plugins=plugins)
    )
    ids = prepared.store.ids()
    names = [ids[prepared.view.evaluation[index]] for index in chosen]
    pictures = [
        _picture(board, name, [chosen.index(index) for index in indices], columns, names)
        for name, indices in selections.items()
    ]
    recipe = load_recipes(plugins).recipes.get(str(prepared.store.attributes.get("recipe")))
    publishable = recipe is not None and recipe.republishable
    return Panels(pictures=tuple(pictures), notes=tuple(notes), publishable=publishable)


def _selections(runs: Sequence[Run]) -> dict[str, list[int]]:
    images = len(runs[0].pixels)
    alike = [run for run in runs if len(run.pixels) == images]
    accuracy = np.mean([run.correct / np.maximum(run.pixels, 1) for run in alike], axis=0)
    scored = np.flatnonzero(runs[0].pixels)
    order = scored[np.argsort(accuracy[scored], kind="stable")]
    fixed = np.linspace(0, images - 1, min(FIXED, images)).round().astype(int)
    return {
        "fixed selection": fixed.tolist(),
        "best by mean PA": order[::-1][:EXTREME].tolist(),
        "worst by mean PA": order[:EXTREME].tolist(),
    }


def _columns(
    board: Board, runs: Sequence[Run], photos: Photos, chosen: list[int], setting: Setting
) -> tuple[list[Column], list[str]]:
    labels = photos.labels[chosen].numpy()
    colours = np.array([*board.facts.palette, UNMATCHED_COLOUR, VOID_COLOUR], dtype=np.uint8)
    truth = np.where(labels == VOID, len(colours) - 1, labels)
    columns = [Column("photo", to_bytes(photos.images[chosen])), Column("ground truth", colours[truth])]
    notes = []
    for run in runs:
        try:
            clusters = predict(RunFolder(run.folder.path), photos, chosen, setting=setting)
        except UserError as error:
            notes.append(str(error))
            continue
        classes = _classes(run, clusters, len(colours) - 2)
        correct = ((classes == labels) & (labels != VOID)).sum(axis=(1, 2))
        if not np.array_equal(correct, run.correct[chosen]):
            notes.append(f"{_title(run)}: predictions here differ from the record's in some pixels.")
        shares = correct / np.maximum(run.pixels[chosen], 1)
        columns.append(Column(_title(run), colours[classes], tuple(f"PA {100 * s:.0f} %" for s in shares)))
    return columns, notes


def _title(run: Run) -> str:
    return run.record.method_title


def _classes(
    run: Run, clusters: Int64[np.ndarray, "chosen height width"], unmatched: int
) -> Int64[np.ndarray, "chosen height width"]:
    matching = one_to_one(run.counts).classes
    return np.asarray(np.where(matching == UNMATCHED, unmatched, matching)[clusters])


def _picture(
    board: Board, name: str, places: list[int], columns: Sequence[Column], ids: Sequence[str]
) -> Panel:
    shown = [column.pick(places) for column in columns]
    image = contact_sheet(shown, [ids[place] for place in places])
    methods = ", ".join(column.title for column in columns[2:])
    description = (
        f"{board.facts.title}, {name}: photo, ground truth with void in black, and the predictions of "
        f"{methods}, every cluster in the colour of the class that it is matched to, unmatched ones grey."
    )
    return Panel(name, description, _png(image))


def _png(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", optimize=True)
    return out.getvalue()
