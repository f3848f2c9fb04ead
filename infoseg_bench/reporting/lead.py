"""Who leads a board, by how much, and whether that says anything."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from infoseg_bench.reporting.boards import PRETRAINED, SCRATCH, Board
from infoseg_bench.reporting.bootstrap import intervals


@dataclass(frozen=True)
class Lead:
    """The best row that may lead, and its distance to the best row of another method.

    A row that is not ranked, or that starts from pre-trained weights, never leads.

    Attributes:
        board: the board
        leader: its row
        second: the best such row of another method; None if there is none
        low: lower end of the 95 % interval of the difference, both rows scored on the same draws of images
        high: its upper end
    """

    board: Board
    leader: pd.Series
    second: pd.Series | None = None
    low: float = 0.0
    high: float = 0.0

    @property
    def fair(self) -> bool:
        """Whether both were trained for as many steps, or one has no steps to count."""
        steps = [self.leader["steps"], self.leader["steps"] if self.second is None else self.second["steps"]]
        return bool(pd.isna(steps).any() or steps[0] == steps[1])


def lead(board: Board) -> Lead | None:
    """Find who leads; None if no row may."""
    able = board.rows[ranked(board.rows) & (board.rows["track"] == SCRATCH)]
    if able.empty:
        return None
    first = able.iloc[0]
    others = able[able["method"] != first["method"]]
    if others.empty:
        return Lead(board, first)
    places = [board.rows.index.get_loc(name) for name in (first.name, others.index[0])]
    low, high = intervals(board.draws[places[0]] - board.draws[places[1]])
    return Lead(board, first, others.iloc[0], float(low), float(high))


def ranked(rows: pd.DataFrame) -> pd.Series:
    """Return which rows are ranked: no references, without labels, not collapsed, and no pixels dropped."""
    return (rows["label_use"] == "none") & (rows["collapsed"] == 0) & ~rows["dropping"] & ~rows["reference"]


def distance(found: Lead) -> str:
    """Return how far the leader is ahead, and how sure that is; empty without another method."""
    if found.second is None:
        return ""
    verdict = "clear of zero" if found.low > 0 else "not clear of zero: a tie"
    if not found.fair:
        steps = f"{found.leader['steps']} against {found.second['steps']} steps"
        verdict += f"; {steps}, so not a fair comparison"
    ahead = found.leader["pixel_accuracy_mean"] - found.second["pixel_accuracy_mean"]
    interval = f"95 % interval {100 * found.low:z.1f} to {100 * found.high:z.1f}, {verdict}"
    return f"{100 * ahead:.1f} points ahead of {found.second['method_title']} ({interval})"


def against_references(found: Lead) -> str:
    """Return how the leader compares with the constant prediction and the untrained references."""
    mean, low, high = (found.leader[f"pixel_accuracy_{end}"] for end in ("mean", "low", "high"))
    rows = found.board.rows[found.board.rows["reference"]].drop_duplicates("method")
    values = {"the constant prediction": found.board.constant}
    values |= dict(zip(rows["method_title"], rows["pixel_accuracy_mean"], strict=True))
    parts = [
        f"{abs(100 * (mean - value)):.1f} points {'above' if mean >= value else 'below'} {name} "
        f"({100 * value:.1f} %)" + (", within its interval" if low <= value <= high else "")
        for name, value in values.items()
    ]
    return " and ".join(parts)


def headline(board: Board) -> str:
    """Describe in one or two sentences who leads, by how much, and whether it beats the references."""
    found = lead(board)
    if found is None:
        return (
            "No method leads: every row used label information, collapsed to one cluster, drops extra "
            f"clusters, is pre-trained, or is a reference.{beside(board)}"
        )
    name, score = found.leader["method_title"], f"{100 * found.leader['pixel_accuracy_mean']:.1f} % PA"
    if found.second is None:
        text = f"{name} reaches {score}; no other method was run that it could be compared with"
    else:
        verb = "leads" if found.fair and found.low > 0 else "is first"
        text = f"{name} {verb} with {score}, {distance(found)}"
    if beaten_by_constant(board):
        text = f"No method beats the constant prediction ({100 * board.constant:.1f} % PA). {text}"
    return f"{text}. That is {against_references(found)}.{beside(board)}"


def beside(board: Board) -> str:
    """Return a sentence about the best pre-trained row, which is ranked apart; empty without one."""
    rows = board.rows[ranked(board.rows) & (board.rows["track"] == PRETRAINED)]
    if rows.empty:
        return ""
    best = rows.iloc[0]
    score = f"{100 * best['pixel_accuracy_mean']:.1f} % PA"
    return f" Ranked apart, {best['method_title']} (pre-trained: {best['pretrained']}) reaches {score}."


def beaten_by_constant(board: Board) -> bool:
    """Return whether no row that may lead has a PA above the constant prediction's."""
    found = lead(board)
    return found is None or bool(found.leader["pixel_accuracy_mean"] <= board.constant)
