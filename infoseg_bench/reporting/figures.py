"""The figures of a board: who leads, what it costs, how training goes, and what is taken for what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from infoseg_bench.reporting.boards import Board, each
from infoseg_bench.reporting.classes import class_shares, matched_confusion, row_shares
from infoseg_bench.reporting.drawing import BLUE, INK, ORANGE, Drawing, canvas, finish, style, wrap
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.published_figures import published_logs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 120
"""Of a curve at most; more cannot be seen."""
FILL = (0.12, 0.47, 0.78, 1.0)
"""Red, green, blue and opacity of a cell that holds its whole row, in [0, 1]."""
SHORTEST = 0.01
"""Minutes below which a training time is drawn as this; chosen by this project."""
MATRICES, UNIT, SIDE = 4, 0.16, 10
"""Confusion matrices side by side; their unit of length in inches, which is the least side of a cell; and
units that the classes fill at least, so that cells of few classes are large enough for numbers."""
DASHES = ("-", "--", ":", "-.")


def draw_figure(board: Board, name: str, number: int, *, pdf: bool = False) -> Drawing | None:
    """Draw a figure of a board; None if there are no data for it.

    Args:
        board: the board
        name: one of `KINDS`
        number: rows that are shown at most, the best of every method first
        pdf: make a PDF too
    """
    with style():
        draw, description = KINDS[name]
        rows = board.leading(number)
        figure = draw(board, rows)
        if figure is None:
            return None
        # Rows of another track are not better or worse than these.
        first = rows[rows["track"] == rows["track"].iloc[0]].head(3)
        best = ", ".join(f"{row.label} {100 * row.pixel_accuracy_mean:.1f} %" for row in each(first))
        text = f"{description} on {board.title}. Highest PA: {best}."
        prefix = f"{name}-{board.fingerprint[:8]}-{sum(board.name.encode()) % 997}"
        return finish(figure, prefix, text, pdf=pdf)


def _labels(rows: pd.DataFrame, width: int = 30) -> list[str]:
    return [wrap(label, width) for label in rows["label"]]


def _plot(board: Board, height: float = 3.6, *, constant: bool = True) -> tuple[Figure, Axes]:
    """Return a figure with PA upwards, and a line for the constant prediction."""
    figure = canvas(6.4, height)
    axes = figure.subplots()
    if constant:
        axes.axhline(
            100 * board.constant, color=INK, linestyle="--", linewidth=1, label="constant prediction"
        )
    axes.set_ylabel("PA in %")
    return figure, axes


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03))


def _lead(board: Board, rows: pd.DataFrame) -> Figure:
    """Draw mean PA with its interval, the seeds as points, the paper's PA, and the constant prediction."""
    labels = _labels(rows)
    lines = sum(label.count("\n") + 1 for label in labels)
    figure = canvas(4.4, 1.1 + 0.2 * (lines + len(rows)))
    axes = figure.subplots()
    for place, row in enumerate(each(rows)):
        colour = ORANGE if row.reference else BLUE
        ends = [100 * row.pixel_accuracy_low, 100 * row.pixel_accuracy_high]
        axes.plot(ends, [place] * 2, "-", color=colour, linewidth=5, alpha=0.4, solid_capstyle="butt")
        seeds = [100 * run.record.pixel_accuracy for run in board.seeds[row.Index]]
        if len(seeds) > 1:
            axes.plot(seeds, [place + 0.22] * len(seeds), "|", color=INK, markersize=6)
        mean, face = 100 * row.pixel_accuracy_mean, "none" if row.label_use != "none" else colour
        axes.plot(mean, place, "o", color=colour, markerfacecolor=face, markersize=7)
        axes.plot(100 * row.published_pixel_accuracy, place, "D", color=INK, markerfacecolor="none")
        axes.annotate(
            f"{mean:.1f}", (1.01, place), xycoords=("axes fraction", "data"), va="center", weight="bold"
        )
    constant = 100 * board.constant
    axes.axvline(constant, color=INK, linestyle="--", linewidth=1)
    axes.annotate(
        f"constant {constant:.1f}", (constant, 1.0), (0, 2), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="center", fontsize=9,
    )  # fmt: skip
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    key = "PA in %. Dot: mean (ring: used labels), bar: 95 % interval, ticks: seeds, diamond: the paper's"
    axes.set_xlabel(wrap(key, 50), fontsize=9)
    return figure


def _cost(board: Board, rows: pd.DataFrame) -> Figure | None:
    """Draw PA against training time."""
    rows = rows[rows["training_hours"] > 0]
    if len(rows) < 2:
        return None
    figure, axes = _plot(board)
    for marker, row in zip("os^Dv<>P", each(rows), strict=False):
        minutes = max(60 * row.training_hours, SHORTEST)
        label = wrap(row.label, 28)
        axes.plot(minutes, 100 * row.pixel_accuracy_mean, marker, markersize=8, label=label, linestyle="")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    devices = sorted(set(board.runs["gpu"].fillna(board.runs["cpu"])))
    device = wrap(devices[0], 60) if len(devices) == 1 else f"{len(devices)} kinds of device"
    axes.set_xlabel(f"training time in minutes, mean over seeds ({device})", fontsize=9)
    _legend(axes)
    return figure


def curve_points(run: Run) -> np.ndarray:
    """Return steps and PA of a run's curve, thinned out to `POINTS`, the last one kept."""
    lines = (line for line in run.folder.curve() if isinstance(line.get("pixel_accuracy"), float))
    points = [(line["step"], 100 * line["pixel_accuracy"]) for line in lines]
    stride = max(1, -(-len(points) // POINTS))
    return np.array([*points[:-1:stride], *points[-1:]], dtype=float).reshape(-1, 2)


def _curves(board: Board, rows: pd.DataFrame) -> Figure | None:
    """Draw PA over training steps, a line per seed, and mark the best step, which only labels can tell."""
    lines = {row.Index: [*map(curve_points, board.seeds[row.Index])] for row in each(rows)}
    if not any(len(points) > 1 for seeds in lines.values() for points in seeds):
        return None
    figure, axes = _plot(board)
    for place, (row, label) in enumerate(zip(rows.index, _labels(rows, 28), strict=True)):
        for number, points in enumerate(points for points in lines[row] if len(points) > 1):
            alpha, name = (0.85, label) if number == 0 else (0.45, None)
            axes.plot(*points.T, f"C{place}", alpha=alpha, linestyle=DASHES[place % 4], label=name)
            best = points[points[:, 1].argmax()]
            axes.plot(*best, "o", color=f"C{place}", markerfacecolor="none", markersize=6)
    axes.set_xlabel("training step; ring: best step (chosen with labels)")
    _legend(axes)
    return figure


def _released_log(board: Board, rows: pd.DataFrame) -> Figure | None:
    """Draw our curves over what a released training log says of the same method and data set."""
    logs = published_logs().dropna(subset="epoch_steps").reset_index()
    logs = logs[logs["dataset"] == board.dataset].set_index("method")
    rows = rows[rows["method"].isin(logs.index)]
    figure = _curves(board, rows)
    if figure is None:
        return None
    (axes,) = figure.axes
    for place, row in enumerate(each(rows)):
        log = logs.loc[row.method]
        steps = log["epoch_steps"] * np.array([0, log["best_epoch"], log["last_epoch"]])
        values = 100 * log[["untrained", "best", "last"]].to_numpy()
        title = wrap(f"{row.method_title}'s released log", 28)
        axes.plot(steps, values, color=INK, linestyle=":", label=title)
        for step, value, marker in zip(steps, values, "osD", strict=True):
            axes.plot(step, value, marker, color=f"C{place}", markerfacecolor="none", markersize=7)
    axes.set_xlabel("training step; square: the log's best epoch (chosen with labels), diamond: its last")
    _legend(axes)
    return figure


def _balance(board: Board, rows: pd.DataFrame) -> Figure:
    """Draw classes from the largest down as bars of pixels, and the PA they add up to as lines."""
    shares = class_shares(board)
    order = np.argsort(-shares, kind="stable")
    figure, axes = _plot(board, constant=False)
    colours = np.array(board.facts.palette)[order] / 255
    axes.bar(range(len(order)), 100 * shares[order], color=colours, alpha=0.6, width=0.8)
    for place, (row, label) in enumerate(zip(rows.index, _labels(rows, 28), strict=True)):
        runs = board.seeds[str(row)]
        right = np.mean([matched_confusion(run.counts).diagonal() / run.counts.sum() for run in runs], axis=0)
        added = 100 * np.cumsum(right[order])
        axes.plot(added, f"C{place}", marker=".", linestyle=DASHES[place % 4], label=label)
    names = [wrap(board.facts.classes[cls], 18) for cls in order]
    axes.set_xticks(range(len(order)), names, rotation=0 if len(order) < 5 else 90)
    axes.set_ylabel("%")
    axes.set_title("bars: share of the pixels; lines: PA of the classes so far", fontsize=9, weight="normal")
    _legend(axes)
    return figure


def _confusion(board: Board, rows: pd.DataFrame) -> Figure:
    """Draw a confusion matrix per row (its first seed) with the classes' true and predicted shares.

    Rows are true classes, cells the share of the row. The bars at the right are the classes' shares of the
    pixels; those above the shares predicted as each class, their blue part the pixels of it that are right.
    """
    classes, columns = board.facts.classes, min(MATRICES, len(rows))
    cell = max(1.0, SIDE / len(classes))
    side = cell * (len(classes) + 1)
    width, height, lines = side + 5, side + 8, -(-len(rows) // columns)
    figure = canvas(UNIT * width * columns, UNIT * height * lines)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for place, row in enumerate(each(rows)):
        line, column = divmod(place, columns)
        x, y = column * width, line * height
        title = wrap(f"{row.label}, run {row.runs[:6]}", 2 * int(side))
        axes.text(x, y - 4.7, title, fontsize=8, weight="bold", va="bottom")
        _matrix(axes, matched_confusion(board.seeds[row.Index][0].counts), x, y, cell)
        for cls, text in enumerate(wrap(name, 22) for name in classes):
            middle = cell * (cls + 0.5)
            if column == 0:
                axes.text(x - 0.5, y + middle, text, ha="right", va="center", fontsize=8)
            if place + columns >= len(rows):
                foot = y + cell * len(classes) + 0.5
                axes.text(x + middle, foot, text, rotation=90, ha="center", va="top", fontsize=8)
    axes.set_xlim(0, width * columns)
    axes.set_ylim(height * lines - 8, -8)
    axes.text(0, -8, "rows: true class, columns: predicted class, % of the row", fontsize=8, va="bottom")
    return figure


def _matrix(axes: Axes, pixels: np.ndarray, x: float, y: float, cell: float) -> None:
    """Draw a matrix whose upper left corner is at x, y, with its classes' shares as bars beside and above."""
    classes, total = len(pixels), pixels.sum()
    shown = classes + bool(pixels[:, -1].any())
    shares = row_shares(pixels)[:, :shown]
    shades = np.full((classes, shown, 4), FILL)
    shades[..., 3] = shares
    right, foot = x + cell * shown, y + cell * classes
    axes.imshow(shades, extent=(x, right, foot, y), interpolation="none", aspect="auto", zorder=0)
    axes.plot([x, right, right, x, x], [y, y, foot, foot, y], INK, linestyle="-", linewidth=0.5, alpha=0.5)
    across, down = (cell * (np.arange(number) + 0.5) for number in (shown, classes))
    if cell > 1:
        for row, column in np.argwhere(shares >= 0.005).tolist():
            share = shares[row, column]
            colour = "white" if share > 0.6 else INK
            place = (x + across[column], y + down[row])
            axes.text(*place, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=colour)
    true, predicted, hits = pixels.sum(axis=1), pixels.sum(axis=0)[:shown], pixels.diagonal()[:classes]
    thick, tall = 72 * UNIT * 0.7 * cell, 3.5 / max(predicted.max() / total, 0.01) / total
    axes.hlines(y + down, right + 0.3, right + 0.3 + 3 * true / true.max(), INK, linewidth=thick, alpha=0.5)
    axes.vlines(x + across, y - 0.3 - tall * predicted, y - 0.3, INK, linewidth=thick, alpha=0.3)
    axes.vlines(x + across[:classes], y - 0.3 - tall * hits, y - 0.3, BLUE, linewidth=thick)


KINDS: dict[str, tuple[Callable[[Board, pd.DataFrame], Figure | None], str]] = {
    "leaderboard": (_lead, "PA with 95 % intervals"),
    "cost": (_cost, "PA against training time"),
    "curves": (_curves, "PA over training steps"),
    "released-log": (_released_log, "Our curves over released logs"),
    "balance": (_balance, "Class sizes, and PA added up from the largest,"),
    "confusion": (_confusion, "Confusion matrices"),
}
"""How every figure is drawn, and what it shows, by its name."""
