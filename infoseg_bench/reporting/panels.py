"""Qualitative panels like InfoSeg's Figure 4: photo, ground truth, and what every method predicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UserError
from infoseg_bench.inference.checkpointed import EvaluationImages, predict, read_images, to_bytes
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.drawing import clean
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.pictures import METHODS, OWN, Column, Panel, Panels, photos_of
from infoseg_bench.scoring.matching import UNMATCHED, one_to_one

FIXED, EXTREME = 4, 3
"""Photos of the fixed selection, and of the best and the worst ones; chosen by this project."""
UNMATCHED_COLOUR = (128, 128, 128)
VOID_COLOUR = (0, 0, 0)


def make_panels(board: Board, data: Path, *, plugins: Sequence[Path] = ()) -> Panels:
    """Draw the panels of a board: a fixed selection, and the photos of highest and lowest mean PA.

    Args:
        board: of its leading rows the first seeds are shown, `METHODS` of them at most
        data: folder of the stores
        plugins: files with more methods and recipes
    """
    spec = next(iter(board.loaded.values())).record.spec
    prepared, publishable = photos_of(data, spec, plugins)
    if prepared is None:
        return Panels(notes=(f"No panels: the photos of {board.dataset} are not available here.",))
    rows = board.leading(METHODS).sort_values("method", key=lambda names: names != OWN, kind="stable")
    firsts = {str(row): board.seeds[str(row)][0] for row in rows.index}
    runs = {row: run for row, run in firsts.items() if RunFolder(run.folder.path).has_checkpoint()}
    if not runs:
        return Panels(notes=("No panels: no run of this board kept its checkpoint.",))
    photos = read_images(prepared, board.protocol)
    selections = _selections(list(runs.values()))
    chosen = sorted({index for indices in selections.values() for index in indices})
    columns, notes = _columns(board, runs, photos, chosen, plugins)
    if len(columns) < 3:
        return Panels(notes=tuple(notes))
    panels = [
        _panel(name, [chosen.index(index) for index in some], columns) for name, some in selections.items()
    ]
    found = {_title(board, row, run): run.folder.content(run.folder.film_file) for row, run in runs.items()}
    films = {title: film for title, film in found.items() if film}
    return Panels(panels=tuple(panels), films=films, notes=tuple(notes), publishable=publishable)


def _title(board: Board, row: str, run: Run) -> str:
    return f"{board.rows.at[row, 'label']!s}, run {run.record.identity[:6]}"


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
    board: Board, runs: dict[str, Run], photos: EvaluationImages, chosen: list[int], plugins: Sequence[Path]
) -> tuple[list[Column], list[str]]:
    labels = photos.labels[chosen].numpy()
    colours = np.array([*board.facts.palette, UNMATCHED_COLOUR, VOID_COLOUR], dtype=np.uint8)
    truth = np.where(labels == VOID, len(colours) - 1, labels)
    ids = photos.prepared.store.ids()
    names = [clean(ids[photos.prepared.view.evaluation[index]]) for index in chosen]
    columns = [
        Column("photo", to_bytes(photos.images[chosen]), names),
        Column("ground truth", colours[truth], [""] * len(chosen)),
    ]
    notes = []
    for row, run in runs.items():
        title = _title(board, row, run)
        try:
            clusters = predict(RunFolder(run.folder.path), photos, chosen, plugins=plugins)
        except UserError as error:
            notes.append(str(error))
            continue
        except Exception as error:
            # A method may raise anything, for example after its file was edited.
            notes.append(f"{title}: not drawn, because the method fails ({type(error).__name__}: {error}).")
            continue
        classes = _classes(run, clusters, len(colours) - 2)
        correct = ((classes == labels) & (labels != VOID)).sum(axis=(1, 2))
        if not np.array_equal(correct, run.correct[chosen]):
            notes.append(f"{title}: predictions here differ from the record's in some pixels.")
        shares = correct / np.maximum(run.pixels[chosen], 1)
        columns.append(Column(title, colours[classes], [f"PA {100 * share:.0f} %" for share in shares]))
    return columns, notes


def _classes(
    run: Run, clusters: Int64[np.ndarray, "chosen height width"], unmatched: int
) -> Int64[np.ndarray, "chosen height width"]:
    matching = one_to_one(run.counts).classes
    return np.asarray(np.where(matching == UNMATCHED, unmatched, matching)[clusters])


def _panel(name: str, places: list[int], columns: Sequence[Column]) -> Panel:
    chosen = (Column(one.title, one.images[places], [one.captions[i] for i in places]) for one in columns)
    return Panel(name, tuple(chosen))
