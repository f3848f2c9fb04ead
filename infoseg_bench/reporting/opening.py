"""The opening paragraph of a page: what was run, at which scale, and what that can tell."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.published_figures import published_layout, published_logs
from infoseg_bench.utils.text import plural

FEW_SEEDS = 3
"""Seeds from which the spread between trainings is known at all; chosen by this project."""


def opening(boards: Sequence[Board]) -> list[str]:
    """Return sentences about all runs of a page, generated from the data alone."""
    if not boards:
        return ["No run could be read."]
    runs, rows = pd.concat([board.runs for board in boards]), pd.concat([board.rows for board in boards])
    return [_what(runs, rows), _scale(boards, rows), _limits(boards, rows)]


def _what(runs: pd.DataFrame, rows: pd.DataFrame) -> str:
    datasets = len(runs[["dataset", "fingerprint"]].drop_duplicates())
    seeds = f"{_range(rows['n'])} {'seed' if rows['n'].max() == 1 else 'seeds'} per row"
    apart = int(runs.loc[runs["pretrained"] != "", "method"].nunique())
    how = (
        f"without labels, {apart} of them on pre-trained weights,"
        if apart
        else "trained from scratch without labels"
    )
    return (
        f"{plural(runs['method'].nunique(), 'method')} {how} on "
        f"{plural(datasets, 'data set')}: {plural(len(runs), 'run')}, {seeds}. The score is pixel accuracy "
        "(PA) of the last training step; every figure was recomputed from the runs' raw pixel counts."
    )


def scale(board: Board) -> str:
    """Return in a few words at which scale a board's rows were made."""
    steps = f"{_range(board.rows['steps'].dropna())} steps, " if board.steps else ""
    seeds, crop = plural(int(board.rows["n"].max()), "seed"), board.facts.crop
    return f"{steps}{board.facts.train_images} training photos, {crop}x{crop} pixels, {seeds}"


def _scale(boards: Sequence[Board], rows: pd.DataFrame) -> str:
    steps = rows["steps"].dropna()
    crops = sorted({board.facts.crop for board in boards})
    photos = pd.Series([board.facts.train_images for board in boards])
    trained = f"{_range(steps)} training steps, " if len(steps) else ""
    text = (
        f"Scale: {trained}{_range(photos)} photos to train on, "
        f"images of {' and '.join(f'{crop}x{crop}' for crop in crops)} pixels."
    )
    logs = published_logs()
    shortest = (logs["best_epoch"] * logs["epoch_steps"]).min()
    if len(steps) and steps.max() < shortest:
        text += " That is short: the shortest released training reached its published figure after "
        text += f"{shortest} steps."
    return text


def _limits(boards: Sequence[Board], rows: pd.DataFrame) -> str:
    few = f"rows of fewer than {FEW_SEEDS} seeds say nothing of how much a method varies between trainings"
    other = "none of these is a data set of the paper, so its figures are neither confirmed nor refuted"
    budgets = "rows of different numbers of steps do not rank their methods"
    texts = {
        few: (rows["n"] < FEW_SEEDS).any(),
        budgets: any(len(board.steps) > 1 for board in boards),
        other: not any(board.dataset in published_layout()[1] for board in boards),
    }
    beware = "; ".join(text for text, holds in texts.items() if holds)
    can = (
        "What this can tell: which rows differ by more than the choice of evaluation images, on these data "
        "at this scale."
    )
    return f"{can} Beware: {beware}." if beware else can


def _range(numbers: pd.Series) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return f"{low}" if low == high else f"{low} to {high}"
