"""Who leads a board, and by how much."""

from __future__ import annotations

from typing import NamedTuple

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.bootstrap import Interval, interval
from infoseg_bench.reporting.rows import Row, pixel_accuracy


class Lead(NamedTuple):
    """The row of highest PA among those without label information, and its distance to another method's best.

    Attributes:
        leader: the row
        second: the best row of any other method; None if there is none
        ahead: difference of the means, as a share
        interval: of that difference, both rows scored on the same draws of images
    """

    leader: Row
    second: Row | None
    ahead: float
    interval: Interval

    @property
    def same_budget(self) -> bool:
        """Whether both were trained for as many steps, or one has no steps to count."""
        steps = (self.leader.steps, self.second.steps if self.second else None)
        return None in steps or steps[0] == steps[1]

    @property
    def clear(self) -> bool:
        """Whether it says more than chance and budgets do."""
        return self.second is None or (self.same_budget and self.interval.low > 0)


def lead(board: Board) -> Lead | None:
    """Find who leads; None if every row used label information."""
    rows = [row for row in board.rows if row.first.label_use is None]
    if not rows:
        return None
    first = rows[0]
    second = next((row for row in rows if row.first.spec.method != first.first.spec.method), None)
    if second is None:
        return Lead(first, None, 0.0, Interval(0.0, 0.0))
    ahead = first.spread(pixel_accuracy).mean - second.spread(pixel_accuracy).mean
    return Lead(first, second, ahead, interval(first.resamples - second.resamples))


def distance(found: Lead) -> str:
    """Return how far the leader is ahead, and how sure that is; empty without another method."""
    if found.second is None:
        return ""
    low, high = found.interval
    verdict = "clear of zero" if low > 0 else "not clear of zero: a tie"
    if not found.same_budget:
        verdict += f"; {found.leader.steps} against {found.second.steps} steps, which is no fair comparison"
    return (
        f"{100 * found.ahead:.1f} points ahead of {found.second.first.method_title} "
        f"(95 % interval {100 * low:.1f} to {100 * high:.1f}, {verdict})"
    )


def headline(board: Board) -> str:
    """Describe in one or two sentences who leads and by how much."""
    found = lead(board)
    if found is None:
        return "Every row used label information: nobody leads."
    mean = found.leader.spread(pixel_accuracy).mean
    over = 100 * (mean - board.facts.constant_pixel_accuracy)
    verb = "leads" if found.clear else "is first"
    text = f"{found.leader.first.method_title} {verb} with {100 * mean:.1f} % PA"
    text += f", {distance(found)}" if found.second else ""
    return (
        f"{text}. That is {abs(over):.1f} points {'above' if over >= 0 else 'below'} a constant prediction."
    )
