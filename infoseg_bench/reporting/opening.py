"""The opening paragraph of a page: what was run, at which scale, and what that can tell."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.published_figures import published_layout, published_logs

FEW_SEEDS = 3
"""Seeds from which the spread between trainings is known at all; chosen by this project."""


def opening(boards: Sequence[Board]) -> list[str]:
    """Return sentences about all runs of a page, generated from the data alone."""
    if not boards:
        return ["No run could be read."]
    runs, rows = pd.concat([board.runs for board in boards]), pd.concat([board.rows for board in boards])
    return [_what(boards, runs, rows), _scale(boards, rows), _limits(boards, rows)]


def _what(boards: Sequence[Board], runs: pd.DataFrame, rows: pd.DataFrame) -> str:
    seeds = _range(int(rows["n"].min()), int(rows["n"].max())) + (
        " seed" if rows["n"].max() == 1 else " seeds"
    )
    return (
        f"{_count(runs['method'].nunique(), 'method')} trained from scratch without labels on "
        f"{_count(len({(board.dataset, board.fingerprint) for board in boards}), 'data set')}: "
        f"{_count(len(runs), 'run')}, {seeds} per row. The score is "
        "pixel accuracy (PA) of the last "
        "training step; every figure was recomputed from the runs' raw pixel counts."
    )


def _scale(boards: Sequence[Board], rows: pd.DataFrame) -> str:
    steps = rows["steps"].dropna()
    crops = sorted({board.facts.crop for board in boards})
    photos = [board.facts.train_images for board in boards]
    trained = f"{_range(int(steps.min()), int(steps.max()))} training steps, " if len(steps) else ""
    text = (
        f"Scale: {trained}{_range(min(photos), max(photos))} photos to train on, "
        f"images of {' and '.join(f'{crop}x{crop}' for crop in crops)} pixels."
    )
    shortest = min(log.best_epoch * log.epoch_steps for log in published_logs().values() if log.epoch_steps)
    if len(steps) and steps.max() < shortest:
        text += (
            " That is short: the shortest released training reached its published figure after "
            f"{shortest} steps."
        )
    return text


def _limits(boards: Sequence[Board], rows: pd.DataFrame) -> str:
    texts = []
    if (rows["n"] < FEW_SEEDS).any():
        texts.append(
            f"rows of fewer than {FEW_SEEDS} seeds say nothing of how much a method varies between trainings"
        )
    if any(len(board.steps) > 1 for board in boards):
        texts.append("rows of different numbers of steps do not rank their methods")
    if not any(board.dataset in published_layout()[1] for board in boards):
        texts.append(
            "none of these is a data set of the paper, so its figures are neither confirmed nor refuted"
        )
    can = (
        "What this can tell: which rows differ by more than the choice of evaluation images, on these data "
        "at this scale."
    )
    return f"{can} Beware: {'; '.join(texts)}." if texts else can


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"
