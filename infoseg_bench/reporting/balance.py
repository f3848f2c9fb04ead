"""Class balance, and how much of a PA comes from the few largest classes (InfoSeg section 5.2).

A class contributes the right pixels of that class over all pixels, so a row's contributions add up to
its PA. Summed from the largest class down they show how few classes make a figure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.confusion import matched_confusion
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.rows import Row
from infoseg_bench.reporting.svg import DASHES, SERIES, Drawing, Number, shorten

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 620, 300, 40, 22, 96


def class_shares(board: Board) -> Float64[np.ndarray, " cls"]:
    """Return every class's share of the scored pixels, in [0, 1]."""
    totals = board.rows[0].runs[0].counts.sum(axis=0)
    return np.asarray(totals / totals.sum())


def contributions(row: Row) -> Float64[np.ndarray, " cls"]:
    """Return every class's right pixels over all pixels, mean over the seeds; they add up to the PA."""
    shares = [matched_confusion(run.counts).diagonal() / run.counts.sum() for run in row.runs]
    return np.asarray(np.mean(shares, axis=0))


def balance_grid(board: Board, rows: Sequence[Row]) -> Grid:
    """Return classes from the largest down, with the share of the PA that they have made up to there."""
    shares = class_shares(board)
    order = np.argsort(-shares, kind="stable")
    made = [np.cumsum(contributions(row)[order]) for row in rows]
    body = [
        (
            board.facts.classes[cls],
            f"{100 * shares[cls]:.1f}",
            f"{100 * shares[order[: place + 1]].sum():.1f}",
            *(f"{100 * one[place] / one[-1]:.0f} % of {100 * one[-1]:.1f}" for one in made),
        )
        for place, cls in enumerate(order)
    ]
    return Grid(
        title="Class balance, and what the largest classes make of each PA",
        head=("class", "% of pixels", "% so far", *(f"{board.label(row)}: PA so far" for row in rows)),
        body=tuple(body),
        notes=("From the largest class down: the share of each row's PA that these classes have made.",),
    )


def balance_csv(board: Board) -> str:
    """Return every row's contributions: shares in [0, 1], classes from the largest down."""
    shares, out = class_shares(board), io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", "label", "class", "share_of_pixels", "contribution", "cumulative_contribution"])
    order = np.argsort(-shares, kind="stable")
    for row in board.rows:
        made = contributions(row)[order]
        head = (row.first.row, board.label(row))
        for cls, one, total in zip(order, made, np.cumsum(made), strict=True):
            writer.writerow([*head, board.facts.classes[cls], float(shares[cls]), float(one), float(total)])
    return out.getvalue()


def balance_figure(board: Board, rows: Sequence[Row]) -> str:
    """Draw classes from the largest down as bars of pixels, and the PA they add up to, as SVG."""
    shares = class_shares(board)
    order = np.argsort(-shares, kind="stable")
    step, height = (WIDTH - LEFT - 150) / len(order), HEIGHT - TOP - BOTTOM
    drawing = Drawing(WIDTH, HEIGHT, f"{board.facts.title}: class sizes, and PA added up from the largest on")

    def y(share: Number) -> Number:
        return TOP + height * (1 - share)

    for tick in (0, 0.25, 0.5, 0.75, 1):
        drawing.line(LEFT, y(tick), LEFT + step * len(order), y(tick), stroke_opacity=0.2)
        drawing.text(LEFT - 6, y(tick) + 4, f"{100 * tick:.0f}", text_anchor="end")
    for place, cls in enumerate(order):
        _bar(drawing, board, int(cls), LEFT + step * place, step, y(float(shares[cls])), y(0))
    ends = [np.cumsum(contributions(row)[order]) for row in rows]
    for index, (row, made) in enumerate(zip(rows, ends, strict=True)):
        points = [(LEFT + step * (place + 0.5), y(float(one))) for place, one in enumerate(made)]
        dash = DASHES[index % len(DASHES)] or "none"
        colour = SERIES[index % len(SERIES)]
        drawing.path(points, stroke=colour, stroke_width=2, stroke_dasharray=dash)
        _key(drawing, index, f"{row.first.method_title} {100 * made[-1]:.1f}", colour, dash)
    drawing.text(4, 12, "bars: % of pixels; lines: PA in % of the classes so far", font_size=9)
    return drawing.xml()


def _bar(
    drawing: Drawing, board: Board, cls: int, left: Number, step: Number, top: Number, bottom: Number
) -> None:
    red, green, blue = board.facts.palette[cls]
    drawing.add(
        "rect", x=left + 0.1 * step, y=top, width=0.8 * step, height=bottom - top,
        fill=f"#{red:02x}{green:02x}{blue:02x}", stroke="currentColor", stroke_opacity=0.5,
    )  # fmt: skip
    x, y = left + step / 2 + 4, bottom + 8
    name = shorten(board.facts.classes[cls], 14)
    drawing.text(x, y, name, transform=f"rotate(-60 {x:.1f} {y:.1f})", text_anchor="end")


def _key(drawing: Drawing, index: int, words: str, colour: str, dash: str) -> None:
    x, y = WIDTH - 140, TOP + 10 + 18 * index
    drawing.line(x, y, x + 22, y, stroke=colour, stroke_width=2, stroke_dasharray=dash)
    drawing.text(x + 28, y + 4, shorten(words, 18))
