"""Who leads, as a figure: a dot and an interval per row, against the references."""

from __future__ import annotations

from collections.abc import Callable

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.rows import Row, pixel_accuracy
from infoseg_bench.reporting.svg import SERIES, Drawing, Number, shorten

LEFT, RIGHT, LINE, TOP = 190, 60, 24, 34
WIDTH = 620
LONGEST_NAME = 28


def lead_figure(board: Board, rows: list[Row]) -> str:
    """Draw mean PA with its 95 % interval, the paper's PA, and the constant prediction, as SVG."""
    constant = board.facts.constant_pixel_accuracy
    bounds = [constant, *(end for row in rows for end in row.interval)]
    bounds += [row.published.pixel_accuracy for row in rows if row.published]
    low, high = max(0.0, min(bounds) - 0.03), min(1.0, max(bounds) + 0.03)

    def x(share: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (share - low) / (high - low)

    height = TOP + LINE * len(rows) + 26
    best = ", ".join(f"{board.label(row)} {100 * row.spread(pixel_accuracy).mean:.1f} %" for row in rows[:3])
    drawing = Drawing(WIDTH, height, f"PA with 95 % intervals on {board.facts.title}. Highest: {best}.")
    drawing.line(x(constant), TOP - 8, x(constant), height - 22, stroke_dasharray="4 3")
    drawing.text(x(constant), TOP - 14, f"constant {100 * constant:.1f}", text_anchor="middle")
    for index, row in enumerate(rows):
        _row(drawing, board, row, TOP + LINE * index + LINE / 2, x)
    legend = "dot: mean PA in %, bar: 95 % interval, ring: used labels, diamond: the paper's"
    drawing.text(LEFT, height - 6, legend, font_size=9)
    return drawing.xml()


def _row(drawing: Drawing, board: Board, row: Row, y: Number, x: Callable[[float], float]) -> None:
    mean = row.spread(pixel_accuracy).mean
    colour = SERIES[1] if row.reference else SERIES[0]
    drawing.text(LEFT - 10, y + 4, shorten(board.label(row), LONGEST_NAME), text_anchor="end")
    drawing.line(LEFT, y, WIDTH - RIGHT, y, stroke_opacity=0.15)
    drawing.line(x(row.interval.low), y, x(row.interval.high), y, stroke=colour, stroke_width=4, opacity=0.55)
    fill = "none" if row.first.label_use else colour
    drawing.add("circle", cx=x(mean), cy=y, r=5, fill=fill, stroke=colour, stroke_width=2)
    if row.published:
        at = x(row.published.pixel_accuracy)
        drawing.add("path", d=f"M{at:.1f} {y - 6}l5 6l-5 6l-5 -6z", fill="none", stroke="currentColor")
    drawing.text(WIDTH - RIGHT + 8, y + 4, f"{100 * mean:.1f}", font_weight="bold")
