"""What the opening paragraph of a page says: what was run, at which scale, and what that can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.published_figures import published_datasets, published_logs
from infoseg_bench.utils.text import plural

FEW_SEEDS = 3
"""Seeds from which the spread between trainings is known at all; chosen by this project."""


def opening(boards: Sequence[Board]) -> dict[str, Any]:
    """Return the facts of the opening paragraph, by the names that the page's template uses."""
    runs, rows = pd.concat([board.runs for board in boards]), pd.concat([board.rows for board in boards])
    logs, steps = published_logs(), rows["steps"].dropna()
    shortest = int((logs["best_epoch"] * logs["epoch_steps"]).min())
    beware = {
        f"rows of fewer than {FEW_SEEDS} seeds say nothing of how much a method varies between trainings":
            (rows["n"] < FEW_SEEDS).any(),
        "rows of different numbers of steps do not rank their methods":
            any(len(board.steps) > 1 for board in boards),
        "none of these is a data set of the paper, so its figures are neither confirmed nor refuted":
            not any(board.dataset in published_datasets() for board in boards),
    }  # fmt: skip
    but = {
        "with label information in training": runs.loc[runs["label_use"] != "none", "method"].nunique(),
        "on pre-trained weights": runs.loc[runs["pretrained"] != "", "method"].nunique(),
    }
    return {
        "methods": plural(runs["method"].nunique(), "method"),
        "but": ", ".join(f"{number} {how}" for how, number in but.items() if number),
        "datasets": plural(len(runs[["dataset", "fingerprint"]].drop_duplicates()), "data set"),
        "runs": plural(len(runs), "run"),
        "seeds": f"{_range(rows['n'])} {'seed' if rows['n'].max() == 1 else 'seeds'}",
        "steps": _range(steps) if len(steps) else "",
        "photos": _range(pd.Series([board.facts.train_images for board in boards])),
        "crops": " and ".join(f"{crop}x{crop}" for crop in sorted({board.facts.crop for board in boards})),
        "shortest": shortest if len(steps) and steps.max() < shortest else None,
        "beware": "; ".join(text for text, holds in beware.items() if holds),
    }


def scale(board: Board) -> str:
    """Return in a few words at which scale a board's rows were made."""
    steps = f"{_range(board.rows['steps'].dropna())} steps, " if board.steps else ""
    seeds, crop = plural(int(board.rows["n"].max()), "seed"), board.facts.crop
    return f"{steps}{board.facts.train_images} training photos, {crop}x{crop} pixels, {seeds}"


def _range(numbers: pd.Series) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return f"{low}" if low == high else f"{low} to {high}"
