"""The figures of a board: who leads, what it costs, how training goes, and what is taken for what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from infoseg_bench.reporting.boards import Board, each
from infoseg_bench.reporting.classes import class_shares, matched_confusion, row_shares
from infoseg_bench.reporting.drawing import BLUE, INK, ORANGE, Drawing, canvas, finish, style, wrap
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.published_figures import PublishedLog, published_logs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 120
"""Of a curve at most; more cannot be seen."""
NUMBERED = 6
"""Classes up to which the cells of several matrices carry numbers; chosen by this project."""
FILL = "#1f78c8"
SHORTEST = 0.01
"""Minutes below which a training time is drawn as this; chosen by this project."""
MATRICES, CELL = 4, 0.16
"""Confusion matrices side by side, and the side of a cell in inches."""
DASHES = ("-", "--", ":", "-.")


def draw_figures(board: Board, number: int, *, pdf: bool = False) -> dict[str, Drawing]:
    """Draw all figures of a board, each by its name; the rest is as for `draw_figure`."""
    drawn = {name: draw_figure(board, name, number, pdf=pdf) for name in KINDS}
    return {name: drawing for name, drawing in drawn.items() if drawing}


def draw_figure(board: Board, name: str, number: int, *, pdf: bool = False) -> Drawing | None:
    """Draw a figure of a board; None if there are no data for it.

    Args:
        board: the board
        name: one of `KINDS`
        number: rows that are shown at most, the best of every method first
        pdf: make a PDF too
    """
    with style():
        return KINDS[name](board, board.leading(number), _id(board, name), pdf)


def _id(board: Board, name: str) -> str:
    return f"{name}-{board.fingerprint[:8]}-{sum(board.name.encode()) % 997}"


def _labels(rows: pd.DataFrame, width: int = 30) -> list[str]:
    return [wrap(label, width) for label in rows["label"]]


def _lead(board: Board, rows: pd.DataFrame, name: str, pdf: bool) -> Drawing:
    """Draw mean PA with its interval, the seeds as points, the paper's PA, and the constant prediction."""
    labels = _labels(rows)
    lines = sum(max(1, label.count("\n") + 1) for label in labels)
    figure = canvas(7.2, 1.1 + 0.24 * (lines + len(rows)))
    axes = figure.subplots()
    for place, row in enumerate(each(rows)):
        colour = ORANGE if row.reference else BLUE
        mean = 100 * row.pixel_accuracy_mean
        axes.plot(
            [100 * row.pixel_accuracy_low, 100 * row.pixel_accuracy_high], [place] * 2,
            color=colour, linestyle="-", linewidth=5, alpha=0.4, solid_capstyle="butt",
        )  # fmt: skip
        seeds = board.runs["pixel_accuracy"][board.runs["row"] == row.Index]
        if len(seeds) > 1:
            axes.plot(100 * seeds, [place + 0.22] * len(seeds), "|", color=INK, markersize=6)
        face = "none" if row.label_use != "none" else colour
        axes.plot(mean, place, "o", color=colour, markerfacecolor=face, markersize=7)
        if not np.isnan(row.published_pixel_accuracy):
            axes.plot(100 * row.published_pixel_accuracy, place, "D", color=INK, markerfacecolor="none")
        axes.annotate(
            f"{mean:.1f}", (1.01, place), xycoords=("axes fraction", "data"), va="center", weight="bold"
        )
    axes.axvline(100 * board.constant, color=INK, linestyle="--", linewidth=1)
    axes.annotate(
        f"constant {100 * board.constant:.1f}", (100 * board.constant, 1.0), (0, 2),
        xycoords=("data", "axes fraction"), textcoords="offset points", ha="center", fontsize=9,
    )  # fmt: skip
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(
        "PA in %. Dot: mean (ring: used labels), bar: 95 % interval, ticks: seeds, diamond: the paper's",
        fontsize=9,
    )
    best = ", ".join(f"{row.label} {100 * row.pixel_accuracy_mean:.1f} %" for row in each(rows.head(3)))
    return finish(figure, name, f"PA with 95 % intervals on {board.facts.title}. Highest: {best}.", pdf=pdf)


def _cost(board: Board, rows: pd.DataFrame, name: str, pdf: bool) -> Drawing | None:
    """Draw PA against training time."""
    rows = rows[rows["training_hours"] > 0]
    if len(rows) < 2:
        return None
    figure = canvas(6.4, 3.4)
    axes = figure.subplots()
    axes.axhline(100 * board.constant, color=INK, linestyle="--", linewidth=1, label="constant prediction")
    for place, row in enumerate(each(rows)):
        axes.plot(
            max(60 * row.training_hours, SHORTEST), 100 * row.pixel_accuracy_mean, "os^Dv<>P"[place % 8],
            markersize=8, label=wrap(row.label, 28), linestyle="",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel(f"training time in minutes, mean over seeds ({_devices(board)})", fontsize=9)
    axes.set_ylabel("PA in %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03))
    return finish(figure, name, f"PA against training time on {board.facts.title}", pdf=pdf)


def _devices(board: Board) -> str:
    devices = sorted(set(board.runs["device"]))
    return wrap(devices[0], 60) if len(devices) == 1 else f"{len(devices)} kinds of device"


def _curves(board: Board, rows: pd.DataFrame, name: str, pdf: bool) -> Drawing | None:
    """Draw PA over training steps, a line per seed, and mark the best step, which only labels can tell."""
    lines = [
        (row, [points for run in board.seeds(str(row.Index)) if len(points := curve_points(run)) > 1])
        for row in each(rows)
    ]
    if not any(seeds for _, seeds in lines):
        return None
    figure = canvas(6.4, 3.8)
    axes = figure.subplots()
    axes.axhline(100 * board.constant, color=INK, linestyle="--", linewidth=1, label="constant prediction")
    for place, (row, seeds) in enumerate(lines):
        for number, points in enumerate(seeds):
            (line,) = axes.plot(
                points[:, 0], 100 * points[:, 1], f"C{place}", alpha=0.85 if number == 0 else 0.45,
                linestyle=DASHES[place % 4], label=wrap(row.label, 28) if number == 0 else None,
            )  # fmt: skip
            best = points[points[:, 1].argmax()]
            axes.plot(
                best[0], 100 * best[1], "o", color=line.get_color(), markerfacecolor="none", markersize=6
            )
    axes.set_xlabel("training step; ring: best step (chosen with labels)")
    axes.set_ylabel("PA in %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03))
    return finish(figure, name, f"PA over training steps on {board.facts.title}", pdf=pdf)


def curve_points(run: Run, value: str = "pixel_accuracy") -> np.ndarray:
    """Return steps and values of a run's curve, thinned out to `POINTS`, the last one kept."""
    points = [(line["step"], line[value]) for line in run.folder.curve() if value in line]
    stride = max(1, -(-len(points) // POINTS))
    return np.array([*points[:-1:stride], *points[-1:]], dtype=float).reshape(-1, 2)


def _released_log(board: Board, rows: pd.DataFrame, name: str, pdf: bool) -> Drawing | None:
    """Draw our curves over what a released training log says of the same method and data set."""
    logs = [(row, published_logs().get((row.method, board.dataset))) for row in each(rows)]
    found = [(row, log, board.seeds(str(row.Index))) for row, log in logs if log and log.epoch_steps]
    found = [(row, log, runs) for row, log, runs in found if any(len(curve_points(run)) > 1 for run in runs)]
    if not found:
        return None
    figure = canvas(6.4, 3.4)
    axes = figure.subplots()
    for place, (row, log, runs) in enumerate(found):
        for number, run in enumerate(runs):
            points = curve_points(run)
            label = wrap(f"{row.label}, here", 28) if number == 0 else None
            axes.plot(points[:, 0], 100 * points[:, 1], f"C{place}", linestyle="-", alpha=0.8, label=label)
        _log_points(axes, log, f"C{place}", wrap(f"{row.title}'s released log", 28))
    axes.set_xlabel("training step; square: the log's best epoch (chosen with labels), diamond: its last")
    axes.set_ylabel("PA in %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03))
    return finish(figure, name, f"Our curves over released logs on {board.facts.title}", pdf=pdf)


def _log_points(axes: Axes, log: PublishedLog, colour: str, label: str) -> None:
    steps = [epoch * (log.epoch_steps or 1) for epoch in (0, log.best_epoch, log.last_epoch)]
    values = [100 * share for share in (log.untrained, log.best, log.last)]
    axes.plot(steps, values, color=INK, linestyle=":", label=label)
    for step, value, marker in zip(steps, values, "osD", strict=True):
        axes.plot(step, value, marker, color=colour, markerfacecolor="none", markersize=7)


def _balance(board: Board, rows: pd.DataFrame, name: str, pdf: bool) -> Drawing:
    """Draw classes from the largest down as bars of pixels, and the PA they add up to as lines."""
    shares = class_shares(board)
    order = np.argsort(-shares, kind="stable")
    figure = canvas(6.4, 3.6)
    axes = figure.subplots()
    colours = np.array(board.facts.palette)[order] / 255
    axes.bar(range(len(order)), 100 * shares[order], color=colours, edgecolor=INK, linewidth=0.5, width=0.8)
    for place, row in enumerate(each(rows)):
        runs = board.seeds(str(row.Index))
        right = np.mean([matched_confusion(run.counts).diagonal() / run.counts.sum() for run in runs], axis=0)
        axes.plot(
            100 * np.cumsum(right[order]), f"C{place}", marker=".", linestyle=DASHES[place % 4],
            label=wrap(row.label, 28),
        )  # fmt: skip
    names = [wrap(board.facts.classes[cls], 18) for cls in order]
    axes.set_xticks(range(len(order)), names, rotation=0 if len(order) < 5 else 90)
    axes.set_ylabel("%")
    axes.set_title("bars: share of the pixels; lines: PA of the classes so far", fontsize=9, weight="normal")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03))
    return finish(
        figure, name, f"{board.facts.title}: class sizes, and PA added up from the largest", pdf=pdf
    )


def _confusion(board: Board, rows: pd.DataFrame, name: str, pdf: bool) -> Drawing:
    """Draw a confusion matrix per row (its first seed) with the classes' true and predicted shares.

    Rows are true classes, cells the share of the row. The bars at the right are the classes' shares of the
    pixels; those above the shares predicted as each class, their blue part the pixels of it that are right.
    """
    matrices = [(f"{row.label}, run {row.runs[:6]}", board.seeds(str(row.Index))[0]) for row in each(rows)]
    return _matrices(board, matrices, name, pdf)


def confusion_pictures(board: Board, *, pdf: bool = False) -> dict[str, Drawing]:
    """Draw a confusion matrix per run, with numbers in its cells, by the run's identity."""
    drawings = {}
    with style():
        for identity, run in board.loaded.items():
            accuracy = f"seed {run.record.spec.seed}, PA {100 * run.record.pixel_accuracy:.1f} %"
            title = f"{run.record.method_title} on {board.facts.title}, {accuracy}"
            drawings[identity] = _matrices(board, [(title, run)], f"confusion-{identity[:6]}", pdf)
    return drawings


def _matrices(board: Board, runs: Sequence[tuple[str, Run]], name: str, pdf: bool) -> Drawing:
    classes, columns = board.facts.classes, min(MATRICES, len(runs))
    side = max(len(classes) + 1, 12)
    width, height = side + 5, side + 8
    lines = -(-len(runs) // columns)
    figure = canvas(CELL * width * columns, CELL * height * lines)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for place, (title, run) in enumerate(runs):
        line, column = divmod(place, columns)
        x, y = column * width, line * height
        axes.text(x, y - 5.5, wrap(title, 2 * side), fontsize=8, weight="bold", va="bottom")
        _matrix(axes, matched_confusion(run.counts), x, y, numbered=len(runs) == 1)
        for cls, text in enumerate(classes):
            if column == 0:
                axes.text(x - 1, y + cls, wrap(text, 22), ha="right", va="center", fontsize=8)
            if place + columns >= len(runs):
                foot = y + len(classes)
                axes.text(x + cls, foot, wrap(text, 22), rotation=90, ha="center", va="top", fontsize=8)
    axes.set_xlim(-0.5, width * columns - 0.5)
    axes.set_ylim(height * lines - 8, -8)
    axes.text(0, -8, "rows: true class, columns: predicted class, % of the row", fontsize=8, va="bottom")
    text = f"{board.facts.title}: confusion matrices of {', '.join(title for title, _ in runs)}"
    return finish(figure, name, text, pdf=pdf)


def _matrix(axes: Axes, pixels: np.ndarray, x: int, y: int, *, numbered: bool) -> None:
    classes, total = len(pixels), pixels.sum()
    shown = classes + bool(pixels[:, -1].any())
    shares = row_shares(pixels)[:, :shown]
    rows, columns = np.nonzero(shares >= 0.005)
    alpha = np.minimum(shares[rows, columns], 1)
    area = (72 * CELL) ** 2
    axes.scatter(x + columns, y + rows, area, FILL, marker="s", alpha=alpha, linewidths=0, zorder=0)
    axes.plot(
        x + np.array([-0.5, shown - 0.5, shown - 0.5, -0.5, -0.5]),
        y + np.array([-0.5, -0.5, classes - 0.5, classes - 0.5, -0.5]),
        INK, linestyle="-", linewidth=0.5, alpha=0.5,
    )  # fmt: skip
    if classes <= NUMBERED or numbered:
        for row, column, share in zip(rows.tolist(), columns.tolist(), alpha.tolist(), strict=True):
            colour = "white" if share > 0.6 else INK
            text = f"{100 * share:.0f}"
            axes.text(x + column, y + row, text, ha="center", va="center", fontsize=7, color=colour)
    true, predicted = pixels.sum(axis=1) / total, pixels.sum(axis=0)[:shown] / total
    edge, foot = x + shown - 0.3, y - 0.8
    thick = 72 * CELL * 0.7
    axes.hlines(y + np.arange(classes), edge, edge + 3 * true / true.max(), INK, linewidth=thick, alpha=0.5)
    tall = 3.5 / max(predicted.max(), 0.01)
    axes.vlines(x + np.arange(shown), foot - tall * predicted, foot, INK, linewidth=thick, alpha=0.3)
    right = pixels.diagonal()[:classes] / total
    axes.vlines(x + np.arange(classes), foot - tall * right, foot, BLUE, linewidth=thick)


KINDS: dict[str, Callable[[Board, pd.DataFrame, str, bool], Drawing | None]] = {
    "leaderboard": _lead,
    "cost": _cost,
    "curves": _curves,
    "released-log": _released_log,
    "balance": _balance,
    "confusion": _confusion,
}
"""How every figure is drawn, by its name."""
