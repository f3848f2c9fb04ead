"""A board as tables for people, by PA, by mean IoU and class by class, and as CSV."""

from __future__ import annotations

from typing import Any

import pandas as pd

from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.boards import SCORES, Board, each
from infoseg_bench.reporting.lead import headline
from infoseg_bench.reporting.published_figures import published_figures, published_logs, reference_methods
from infoseg_bench.reporting.table import Table, filled, percent
from infoseg_bench.utils.markdown import plain

TABLE_ROWS = 200
"""Rows of a table in Markdown, LaTeX and on the page; chosen by this project."""
FIGURE_ROWS = 8
"""Rows that are shown in figures; chosen by this project: more make a page long on a phone."""
BEST_TITLE = "PA, best step (chosen with labels)"
FILTERS = ("method", "label use", "steps")
"""What a page's reader can choose rows by."""
FIELDS = (
    *("dataset", "protocol", "fingerprint", "row", "method", "label", "settings", "n", "seeds"),
    *(f"{score}_{part}" for score in SCORES for part in ("mean", "std")),
    *("pixel_accuracy_low", "pixel_accuracy_high", "published_pixel_accuracy", "published_source", "steps"),
    *("training_hours", "train_images_per_second", "peak_host_bytes", "peak_device_bytes", "label_use"),
    "reference",
)
"""Columns of `leaderboard.csv`."""


def leaderboard_csv(board: Board) -> str:
    """Return every row as CSV, the constant prediction last: shares in [0, 1]."""
    frame = board.rows.reset_index()
    constant = {
        "dataset": board.dataset,
        "protocol": board.protocol,
        "fingerprint": board.fingerprint,
        "method": "constant prediction",
        "pixel_accuracy_mean": board.constant,
        "reference": True,
    }
    lines = [*frame.to_dict("records"), constant]
    whole = pd.DataFrame(lines, columns=list(FIELDS))
    counts = dict.fromkeys(("n", "steps", "peak_host_bytes", "peak_device_bytes"), "Int64")
    return str(whole.astype(counts).to_csv(index=False, lineterminator="\n"))


def leaderboard(board: Board, *, by: str = "pixel_accuracy", rows: int = TABLE_ROWS) -> Table:
    """Return a board as a table, the constant prediction between the rows above and below it.

    Args:
        board: the board
        by: score that ranks the rows, "pixel_accuracy" or "mean_iou"
        rows: how many to show at most
    """
    frame = board.rows.sort_values(f"{by}_mean", ascending=False, kind="stable")
    scores = {score: percent(frame[f"{score}_mean"], frame[f"{score}_std"]) for score in SCORES}
    ends = zip(frame["pixel_accuracy_low"], frame["pixel_accuracy_high"], strict=True)
    accuracy = {
        "PA": scores["pixel_accuracy"],
        "95 % interval": [f"{100 * low:.1f} to {100 * high:.1f}" for low, high in ends],
    }
    iou = {"mean IoU": scores["mean_iou"]}
    shown = pd.DataFrame(
        {
            "rank": ranks(frame),
            "method": frame["label"],
            **(accuracy | iou if by == "pixel_accuracy" else iou | accuracy),
            "paper's PA": percent(frame["published_pixel_accuracy"]),
            "seeds": frame["n"].astype(str),
            "steps": frame["steps"].astype("string").fillna(""),
            "note": notes_of(frame),
            BEST_TITLE: scores["best_pixel_accuracy"],
            "mean class accuracy": scores["mean_class_accuracy"],
            "PA, majority vote (many-to-one)": scores["majority_pixel_accuracy"],
            "NMI": scores["normalized_mutual_information"],
            "ARI": scores["adjusted_rand_index"],
            "training hours": [_hours(hours) for hours in frame["training_hours"]],
            "images/s": ["" if pd.isna(rate) else f"{rate:.0f}" for rate in frame["train_images_per_second"]],
            "peak memory": [*map(_memory, frame["peak_device_bytes"], frame["peak_host_bytes"])],
            "runs": frame["runs"],
        }
    )
    constant = {"pixel_accuracy": board.constant, "mean_iou": constant_iou(board)}
    accuracy_text, iou_text = percent(constant.values())
    text = pd.DataFrame([{"method": "constant prediction", "PA": accuracy_text, "mean IoU": iou_text}])
    above = int((frame[f"{by}_mean"][:rows] >= constant[by]).sum())
    parts, tags = [shown[:above], text, shown[above:rows]], tags_of(frame[:rows])
    return Table(
        title=board.facts.title,
        shown=filled(pd.concat(parts, ignore_index=True).fillna("")),
        notes=tuple(_notes(board, rows)),
        tags=[*tags[:above], (), *tags[above:]],
    )


def narrow(board: Board) -> Table:
    """Return the table that fits a column of a paper: method, PA, published PA, mean IoU, seeds."""
    columns = {
        "method": "method",
        "PA": "PA",
        "paper's PA": "published",
        "mean IoU": "mean IoU",
        "seeds": "seeds",
    }
    whole = leaderboard(board).shown
    shown = whole[[name for name in columns if name in whole]].rename(columns=columns)
    found = whole.index[whole["rank"] == "1"]
    note = f"PA and mean IoU in %, last step, protocol {board.protocol}."
    return Table(title=board.facts.title, shown=shown, notes=(note,), best=set(found))


def ranks(frame: pd.DataFrame) -> list[str]:
    """Number the rows; those that used labels or collapsed are not ranked."""
    ranked = (frame["label_use"] == "none") & (frame["collapsed"] == 0)
    return [str(place) if able else "–" for place, able in zip(ranked.cumsum(), ranked, strict=True)]  # noqa: RUF001


def tags_of(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return what the rows of a page's table are filtered by, in the order of `FILTERS`."""
    steps = frame["steps"].astype("string").fillna("none")
    return [*zip(frame["title"], frame["label_use"], steps, strict=True)]


def notes_of(frame: pd.DataFrame) -> list[str]:
    """Return what must be known of each row to read its score."""
    return [
        "; ".join(
            text
            for text, holds in (
                ("reference", row.reference),
                (f"used labels: {row.label_use}", row.label_use != "none"),
                (f"collapsed in {row.collapsed} of {row.n} seeds", row.collapsed),
                ("external", row.method.startswith("external-")),
                (
                    f"PA {100 * row.selected_pixel_accuracy:.1f} at the step selected by {row.selection}",
                    row.selection != "last",
                ),
            )
            if holds
        )
        for row in each(frame)
    ]


def constant_iou(board: Board) -> float:
    """Return the mean IoU of the constant prediction: its class's share over the classes that occur."""
    counts = next(iter(board.loaded.values())).counts.sum(axis=0)
    return float(board.constant / (counts > 0).sum())


def _hours(hours: float) -> str:
    return "" if pd.isna(hours) else "<0.001" if hours < 0.001 else f"{hours:.2g}"


def _memory(device: Any, host: Any) -> str:
    if not pd.isna(device):
        return f"{device / 2**30:.1f} GiB (GPU)"
    return "" if pd.isna(host) else f"{host / 2**30:.1f} GiB"


def markdown(board: Board) -> str:
    """Return a board as a Markdown section: facts, table, what a reader must know, and ablations."""
    above = [
        plain(summary(board)),
        plain(headline(board)),
        *(f"**{plain(text)}**" for text in warnings(board)),
    ]
    title, _, rest = leaderboard(board).markdown(2).partition("\n\n")
    return "\n\n".join([title, *above, rest, *(study.markdown() for study in ablations(board))])


def summary(board: Board) -> str:
    """Describe the data of the board."""
    data = board.facts
    return (
        f"{len(data.classes)} classes, {data.train_images} photos to train on, {data.evaluation_images} "
        f'scored on their centre {data.crop}x{data.crop}; protocol "{board.protocol}"; '
        f"data {board.fingerprint[:12]}."
    )


def warnings(board: Board) -> list[str]:
    """Describe what must be read before any figure: the data's own note, and budgets that differ."""
    lines = [board.facts.note] if board.facts.note else []
    if len(board.steps) > 1:
        steps = ", ".join(map(str, board.steps))
        lines.append(f"Budgets differ ({steps} steps): rows of different steps do not rank their methods.")
    return lines


def run_warnings(board: Board, rows: int) -> list[str]:
    """Return the warnings of the runs of the first `rows` rows, each with its method and seed."""
    shown = board.runs.index[board.runs["row"].isin(board.rows.index[:rows])]
    return [
        f"{board.rows['label'][record.row]}, seed {record.spec.seed}: {warning}."
        for record in (board.loaded[run].record for run in shown)
        for warning in record.warnings
    ]


def _notes(board: Board, rows: int) -> list[str]:
    frame = board.rows
    notes = [
        "PA: pixel accuracy in % under one one-to-one (Hungarian) matching for all images, at the last step, "
        "mean ± sample standard deviation over the seeds; pixels of unmatched clusters are wrong, void "
        "labels alone are left out.",
        "95 % interval: bootstrap over evaluation images and, where there are several, over seeds; the "
        "matching is held. With one seed it is of the images alone, with two or three it is too narrow.",
    ]
    keys = set(zip(frame["method"], frame["dataset"], strict=True))
    sources = {(one.source, one.selection) for key, one in published_figures().items() if key in keys}
    notes += [f"Paper's PA: {source} ({selection})." for source, selection in sorted(sources)]
    if (frame["label_use"] != "none").any():
        notes.append("Rows that used label information in training are not ranked.")
    if frame["collapsed"].any():
        notes.append("Rows that collapsed put nearly all pixels into one cluster; they are not ranked.")
    missing = reference_methods() - set(frame["method"])
    notes += [f"Reference row {name}: not run." for name in sorted(missing)]
    data = {warning for run in board.loaded.values() for warning in run.record.dataset.warnings}
    notes += [f"Data: {warning}." for warning in sorted(data)]
    notes += run_warnings(board, rows)
    notes += [_selected_note(board, row) for row in each(frame[:rows]) if row.selection != "last"]
    if len(frame) > rows:
        notes.append(f"The {rows} rows of highest PA of {len(frame)}; leaderboard.csv has every row.")
    return notes + [
        _log_note(board, method)
        for method in sorted(set(frame["method"]))
        if (method, board.dataset) in published_logs()
    ]


def _selected_note(board: Board, row: Any) -> str:
    runs = board.runs[board.runs["row"] == row.Index]
    (scores,) = percent([runs["selected_pixel_accuracy"].mean()], [runs["selected_pixel_accuracy"].std()])
    steps = ", ".join(str(int(step)) for step in runs["selected_step"])
    where = f"at the steps that were selected without labels, by {row.selection}: {steps}."
    return f"{row.label}: PA {scores} {where}"


def _log_note(board: Board, method: str) -> str:
    log = published_logs()[method, board.dataset]
    title = board.rows["title"][board.rows["method"] == method].iloc[0]
    return (
        f"{title}'s own log: best {100 * log.best:.2f} at epoch {log.best_epoch}, chosen with labels, "
        f"last {100 * log.last:.2f} at epoch {log.last_epoch}; an epoch is {log.epoch} "
        f"({log.source}, run {log.run})."
    )
