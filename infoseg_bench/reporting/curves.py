"""Curves of a row: loss and PA over steps for every seed, with the last and the best step marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from infoseg_bench.records.record import Evaluation, FinishedRecord
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.rows import Row
from infoseg_bench.reporting.svg import DASHES, SERIES, Drawing, Number

WIDTH, HEIGHT, LEFT, TOP, GAP = 430, 270, 44, 16, 34
POINTS = 120
"""Of a curve at most; more cannot be seen at this width."""

Points = list[tuple[float, float]]


class _Axes(NamedTuple):
    left: Number
    top: Number
    width: Number
    height: Number
    low: tuple[float, float]
    high: tuple[float, float]

    def at(self, point: tuple[float, float]) -> tuple[Number, Number]:
        shares = [
            (value - low) / ((high - low) or 1.0)
            for value, low, high in zip(point, self.low, self.high, strict=True)
        ]
        return self.left + self.width * shares[0], self.top + self.height * (1 - shares[1])


def curves_figure(board: Board, row: Row) -> str | None:
    """Draw the curves of every seed as SVG; None for a row that has none, or only one point of them."""
    lines = [run.folder.curve() for run in row.runs]
    loss = [_points(curve, "loss") for curve in lines]
    accuracy = [_points(curve, "pixel_accuracy", scale=100.0) for curve in lines]
    if max(map(len, accuracy)) < 2:
        return None
    name = board.label(row)
    drawing = Drawing(WIDTH, HEIGHT, f"Loss and PA over training steps: {name} on {board.facts.title}")
    panel = (HEIGHT - TOP - GAP - 30) / 2
    end = float(max(step for curve in [*accuracy, *loss] for step, _ in curve))
    for top, title, curves in ((TOP, "loss", loss), (TOP + panel + GAP, "PA in %", accuracy)):
        axes = _axes(top, panel, curves, end)
        _frame(drawing, axes, title)
        for index, points in enumerate(curves):
            _line(drawing, axes, points, index)
        if curves is accuracy:
            _marks(drawing, axes, row.runs)
    drawing.text(LEFT, HEIGHT - 4, _legend(row), font_size=9)
    return drawing.xml()


def _legend(row: Row) -> str:
    seeds = ", ".join(str(record.spec.seed) for record in row.records[: len(SERIES)])
    return f"disc: last step, ring: best step (chosen with labels); seeds {seeds}"


def _points(curve: Sequence[dict[str, Any]], name: str, scale: float = 1.0) -> Points:
    points = [(float(line["step"]), scale * float(line[name])) for line in curve if name in line]
    stride = max(1, -(-len(points) // POINTS))
    return [*points[:-1:stride], *points[-1:]]


def _axes(top: Number, height: Number, curves: list[Points], end: float) -> _Axes:
    values = [value for points in curves for _, value in points] or [0.0, 1.0]
    return _Axes(LEFT, top, WIDTH - LEFT - 14, height, (0.0, min(values)), (end, max(values)))


def _frame(drawing: Drawing, axes: _Axes, title: str) -> None:
    bottom = axes.top + axes.height
    drawing.line(axes.left, bottom, axes.left + axes.width, bottom, stroke_opacity=0.5)
    drawing.line(axes.left, axes.top, axes.left, bottom, stroke_opacity=0.5)
    drawing.text(axes.left + 4, axes.top - 4, title, font_weight="bold")
    drawing.text(axes.left - 4, axes.top + 8, f"{axes.high[1]:.3g}", text_anchor="end", font_size=9)
    drawing.text(axes.left - 4, bottom, f"{axes.low[1]:.3g}", text_anchor="end", font_size=9)
    right = axes.left + axes.width
    drawing.text(right, bottom + 12, f"step {axes.high[0]:g}", text_anchor="end", font_size=9)


def _line(drawing: Drawing, axes: _Axes, points: Points, index: int) -> None:
    drawing.path(
        map(axes.at, points),
        stroke=SERIES[index % len(SERIES)],
        stroke_width=1.6,
        stroke_dasharray=DASHES[index % len(DASHES)] or "none",
    )


def _marks(drawing: Drawing, axes: _Axes, runs: Sequence[Run]) -> None:
    marks: list[tuple[Callable[[FinishedRecord], Evaluation], int]] = [
        (lambda record: record.last, 4),
        (lambda record: record.best, 7),
    ]
    for index, run in enumerate(runs):
        colour = SERIES[index % len(SERIES)]
        for state, radius in marks:
            found = state(run.record)
            x, y = axes.at((float(found.step), 100 * found.one_to_one.pixel_accuracy))
            fill = colour if radius == 4 else "none"
            drawing.add("circle", cx=x, cy=y, r=radius, fill=fill, stroke=colour, stroke_width=1.5)
