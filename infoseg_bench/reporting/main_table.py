"""The layout of InfoSeg's Table 1: methods by data sets, the papers' figures beside the measured ones."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.published_figures import published_figures, published_layout
from infoseg_bench.reporting.table import Table, percent

NOTES = (
    "Measured: PA in % at the last step, mean ± sample standard deviation over the seeds.",
    "Paper: as printed in InfoSeg's Table 1, where IIC's are of the best epoch, chosen with labels.",
    "All settings of every line are in each board's CSV; they may differ between data sets.",
)
MEASURED = ["pixel_accuracy_mean", "pixel_accuracy_std", "n", "published_pixel_accuracy"]


def main_tables(boards: Sequence[Board]) -> list[Table]:
    """Return a table per protocol; boards of different content of one data set are columns of their own."""
    protocols = sorted({board.protocol for board in boards})
    return [_table(protocol, [one for one in boards if one.protocol == protocol]) for protocol in protocols]


def _table(protocol: str, boards: list[Board]) -> Table:
    methods, datasets = (list(names) for names in published_layout())
    boards.sort(key=lambda one: (datasets.index(one.dataset) if one.dataset in datasets else 99, one.name))
    titles = _titles(boards)
    lines = pd.concat([_lines(board) for board in boards], keys=titles, names=["data"]).reset_index("data")
    if any(board.dataset in datasets for board in boards):
        lines = pd.concat([lines, _not_run(boards, titles, set(lines["method"]))])
    lines["place"] = lines["method"].map(
        lambda name: methods.index(name) if name in methods else len(methods)
    )
    wide = lines.set_index(["place", "method", "line", "data"])[MEASURED].unstack("data").sort_index()
    shown, numbers = (pd.DataFrame({"method": wide.index.get_level_values("line")}) for _ in range(2))
    for board, title in zip(boards, titles, strict=True):
        cells = pd.DataFrame({name: wide[name, title] for name in MEASURED}).reset_index(drop=True)
        shown[title] = percent(cells["pixel_accuracy_mean"], cells["pixel_accuracy_std"])
        paper = cells["published_pixel_accuracy"]
        if board.dataset in datasets:
            shown.loc[cells["n"] == 0, title] = "not run"
            shown[f"{title}, paper"] = percent(paper)
        for name in MEASURED if board.dataset in datasets else MEASURED[:-1]:
            numbers[f"{title}: {name}"] = cells[name].astype("Int64") if name == "n" else cells[name]
    constant = {title: f"{100 * board.constant:.1f}" for board, title in zip(boards, titles, strict=True)}
    shown.loc[len(shown)] = {"method": "constant prediction", **constant}
    means = {f"{title}: {MEASURED[0]}": board.constant for board, title in zip(boards, titles, strict=True)}
    numbers = pd.DataFrame([*numbers.to_dict("records"), {"method": "constant prediction", **means}])
    return Table(
        title=f"Methods by data sets, protocol {protocol}",
        shown=shown.fillna(""),
        numbers=numbers,
        notes=NOTES,
    )


def _titles(boards: Sequence[Board]) -> list[str]:
    """Name every board by its data set, and by what differs where several have one title."""
    return [
        f"{board.facts.title} ({distinguish(board, boards)})"
        if distinguish(board, boards)
        else board.facts.title
        for board in boards
    ]


def distinguish(board: Board, boards: Sequence[Board]) -> str:
    """Return what tells a board from others of the same title and protocol; empty if there is none."""
    same = [one for one in boards if (one.facts.title, one.protocol) == (board.facts.title, board.protocol)]
    found = ""
    for what in (_facts, _date, _content):
        texts = {one.name: what(one) for one in same}
        differing = [
            place for place, column in enumerate(zip(*texts.values(), strict=True)) if len(set(column)) > 1
        ]
        told = {name: ", ".join(text[place] for place in differing) for name, text in texts.items()}
        found = ", ".join(part for part in (found, told[board.name]) if part)
        same = [one for one in same if told[one.name] == told[board.name]]
        if len(same) == 1:
            break
    return found


def _facts(board: Board) -> tuple[str, ...]:
    data = board.facts
    return (
        board.dataset,
        f"{data.crop}x{data.crop}",
        f"{len(data.classes)} classes",
        f"{data.train_images} photos to train on",
        f"{data.evaluation_images} scored",
    )


def _date(board: Board) -> tuple[str, ...]:
    return (f"first run {board.runs['started'].min()[:10]}",)


def _content(board: Board) -> tuple[str, ...]:
    return (f"data {board.fingerprint[:8]}",)


def _lines(board: Board) -> pd.DataFrame:
    frame = board.rows.copy()
    steps = frame["steps"].map(lambda number: "" if pd.isna(number) else f", {number} steps")
    labels = frame["label_use"].map(lambda text: "" if text == "none" else f", uses labels: {text}")
    frame["line"] = frame["label"] + steps + labels
    return frame[["method", "line", *MEASURED]]


def _not_run(boards: list[Board], titles: list[str], run: set[str]) -> pd.DataFrame:
    """Return the paper's lines of methods that none of these boards has."""
    figures = published_figures()
    return pd.DataFrame(
        {
            "data": title,
            "method": method,
            "line": name,
            "n": 0,
            "published_pixel_accuracy": figures[method, board.dataset].pixel_accuracy
            if (method, board.dataset) in figures
            else None,
        }
        for method, name in published_layout()[0].items()
        if method not in run
        for board, title in zip(boards, titles, strict=True)
    )
