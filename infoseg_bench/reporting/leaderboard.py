"""A board as tables for people, by PA, by mean IoU and class by class, and as CSV."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.boards import PRETRAINED, SCORES, SCRATCH, Board, each
from infoseg_bench.reporting.lead import headline, ranked
from infoseg_bench.reporting.published_figures import published_logs, reference_methods
from infoseg_bench.reporting.table import TABLE_ROWS, Columns, Table, percent, readable, to_csv
from infoseg_bench.utils.markdown import plain
from infoseg_bench.utils.text import plural

BEST_TITLE = "PA, best step (chosen with labels)"
MAJORITY_TITLE = "PA, majority vote (many-to-one)"
_SEEDS = {score: (f"{score}_mean", f"{score}_std") for score in SCORES}
COLUMNS: Columns = {
    "rank": "rank", "method": "label", "PA": _SEEDS["pixel_accuracy"], "95 % interval": "interval",
    "mean IoU": _SEEDS["mean_iou"], "paper's PA": ("published_pixel_accuracy",), "seeds": "n",
    "steps": "steps", "note": "note", BEST_TITLE: _SEEDS["best_pixel_accuracy"],
    "mean class accuracy": _SEEDS["mean_class_accuracy"], MAJORITY_TITLE: _SEEDS["majority_pixel_accuracy"],
    "NMI": _SEEDS["nmi"], "ARI": _SEEDS["ari"], "training hours": "hours", "images/s": "rate",
    "peak memory": "memory", "runs": "runs",
}  # fmt: skip
CONSTANT = ["method", "PA", "mean IoU"]
"""What is known of the constant prediction."""
PAPER = {
    "leaderboard": ("method", "PA", "paper's PA", "mean IoU", "seeds"),
    "leaderboard-wide": (
        *("method", "PA", "95 % interval", "paper's PA", "mean IoU", "mean class accuracy"),
        *(BEST_TITLE, MAJORITY_TITLE, "seeds", "steps"),
    ),
}
"""Columns of the LaTeX tables, for one and for both columns of a paper."""
FILTERS = ("method", "label use", "steps", "track")
"""What a page's reader can choose rows by."""
FIELDS = [
    *("dataset", "protocol", "fingerprint", "row", "method", "label", "settings", "n", "seeds"),
    *(name for names in _SEEDS.values() for name in names),
    *("pixel_accuracy_low", "pixel_accuracy_high", "published_pixel_accuracy", "published_source", "steps"),
    *("training_hours", "train_images_per_second", "peak_host_bytes", "peak_device_bytes", "label_use"),
    *("reference", "pretrained"),
]
"""Columns of `leaderboard.csv`, whose names for NMI and ARI are the full ones."""
_FULL = {"nmi": "normalized_mutual_information", "ari": "adjusted_rand_index"}


def leaderboard_csv(board: Board) -> str:
    """Return every row as CSV, the constant prediction last: shares in [0, 1]."""
    frame = board.rows.reset_index()
    constant = {**frame.loc[0, ["dataset", "protocol", "fingerprint"]], "method": "constant prediction"}
    constant |= {"reference": True, "pixel_accuracy_mean": board.constant}
    whole = pd.DataFrame([*frame.to_dict("records"), constant], columns=FIELDS)
    whole = whole.astype(dict.fromkeys(("n", "steps", "peak_host_bytes", "peak_device_bytes"), "Int64"))
    full = {name: name.replace(short, long) for short, long in _FULL.items() for name in _SEEDS[short]}
    return to_csv(whole.rename(columns=full))


def leaderboard(board: Board, *, by: str = "pixel_accuracy", rows: int = TABLE_ROWS) -> Table:
    """Return a board as a table, the constant prediction between the rows above and below it.

    Pre-trained rows follow those trained from scratch, and are ranked apart.

    Args:
        board: the board
        by: score that ranks the rows, "pixel_accuracy" or "mean_iou"
        rows: how many to show at most
    """
    frame = board.rows.sort_values(["track", f"{by}_mean"], ascending=[True, False], kind="stable")[:rows]
    low, high = (100 * frame[f"pixel_accuracy_{end}"] for end in ("low", "high"))
    device, host = (frame[f"peak_{memory}_bytes"].astype(float) / 2**30 for memory in ("device", "host"))
    texts = frame.assign(
        rank=_ranks(frame),
        interval=low.map("{:.1f}".format) + " to " + high.map("{:.1f}".format),
        note=[*map(_note, each(frame))],
        hours=frame["training_hours"].map(_hours, na_action="ignore"),
        rate=frame["train_images_per_second"].map("{:.0f}".format, na_action="ignore"),
        memory=device.map("{:.1f} GiB (GPU)".format).where(
            device.notna(), host.map("{:.1f} GiB".format).where(host.notna(), "")
        ),
    )
    shown, tags = readable(texts, COLUMNS), tags_of(frame)
    if by == "mean_iou":
        shown.insert(2, "mean IoU", shown.pop("mean IoU"))
    constant = {"pixel_accuracy": board.constant, "mean_iou": _constant_iou(board)}
    line = pd.DataFrame([["constant prediction", *percent(constant.values())]], columns=CONSTANT)
    above = int(((frame["track"] == SCRATCH) & (frame[f"{by}_mean"] >= constant[by])).sum())
    shown = pd.concat([shown[:above], line, shown[above:]], ignore_index=True).fillna("")
    return Table(
        title=board.title,
        shown=shown.loc[:, (shown != "").any()],
        notes=tuple(_notes(board, rows)),
        best=set(shown.index[shown["rank"] == "1"]),
        tags=[*tags[:above], (), *tags[above:]],
    )


def latex_tables(board: Board) -> dict[str, str]:
    """Return the LaTeX tables by file name: for one column of a paper, and for both."""
    whole = leaderboard(board)
    note = f"PA and mean IoU in %, last step, protocol {board.protocol}."
    return {
        f"{name}.tex": replace(whole, shown=whole.shown.filter([*columns]), notes=(note,)).latex(
            name.replace("leaderboard", board.name), wide=name.endswith("wide")
        )
        for name, columns in PAPER.items()
    }


def _ranks(frame: pd.DataFrame) -> pd.Series:
    """Number the rows of each track that are ranked."""
    places = ranked(frame)
    ranks = places.groupby(frame["track"]).cumsum().astype(str)
    return (frame["track"].map({SCRATCH: "", PRETRAINED: "p"}) + ranks).where(places, "–")  # noqa: RUF001


def tags_of(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return what the rows of a page's table are filtered by, in the order of `FILTERS`."""
    steps = frame["steps"].astype("string").fillna("none")
    return [*zip(frame["method_title"], frame["label_use"], steps, frame["track"], strict=True)]


def _note(row: Any) -> str:
    """Return what must be known of a row to read its score."""
    by = row.selected_by
    notes = {
        "reference": row.reference,
        f"used labels: {row.label_use}": row.label_use != "none",
        f"collapsed in {row.collapsed} of {plural(row.n, 'seed')}": row.collapsed,
        "drops extra clusters": row.dropping,
        "external": row.method.startswith("external-"),
        f"PA {100 * row.selected_pixel_accuracy_mean:.1f} at the step selected by {by}": by,
    }
    return "; ".join(text for text, holds in notes.items() if holds)


def _constant_iou(board: Board) -> float:
    """Return the mean IoU of the constant prediction: its class's share over the classes that occur."""
    counts = next(iter(board.loaded.values())).counts.sum(axis=0)
    return float(board.constant / (counts > 0).sum())


def _hours(hours: float) -> str:
    return "<0.001" if hours < 0.001 else f"{hours:.2g}"


def markdown(board: Board) -> str:
    """Return a board as a Markdown section: facts, table, what a reader must know, and ablations."""
    above = [plain(summary(board)), plain(headline(board))]
    above += [f"**{plain(text)}**" for text in warnings(board)]
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
    note = board.facts.note
    lines = [note[0].upper() + note[1:]] if note else []
    if len(board.steps) > 1:
        steps = ", ".join(map(str, board.steps))
        lines.append(f"Budgets differ ({steps} steps): rows of different steps do not rank their methods.")
    return lines


def run_warnings(board: Board, rows: int) -> list[str]:
    """Return the warnings of the runs of the first `rows` rows, each with its method and seed."""
    shown = board.runs[board.runs["row"].isin(board.rows.index[:rows])]
    return [
        f"{board.rows.at[run.row, 'label']!s}, seed {run.seed}: {warning}."
        for run in each(shown[shown["warnings"] != ""])
        for warning in board.loaded[run.Index].record.warnings
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
    sources = frame[["published_source", "published_selection"]].dropna().drop_duplicates()
    notes += sorted(f"Paper's PA: {source} ({which})." for source, which in sources.to_numpy())
    remarks = {
        "used label information in training are not ranked": (frame["label_use"] != "none").any(),
        "start from pre-trained weights are ranked apart, p1, p2 and so on, and never lead":
            (frame["track"] == PRETRAINED).any(),
        "collapsed put nearly all pixels into one cluster, and are not ranked": frame["collapsed"].any(),
        "drop pixels of extra clusters, as STEGO's evaluator does, are not ranked": frame["dropping"].any(),
        "are references learn nothing, and are not ranked": frame["reference"].any(),
    }  # fmt: skip
    notes += [f"Rows that {remark}." for remark, holds in remarks.items() if holds]
    missing = reference_methods() - set(frame["method"])
    notes += [f"Reference row {name}: not run." for name in sorted(missing)]
    data = {warning for run in board.loaded.values() for warning in run.record.dataset.warnings}
    notes += [f"Data: {warning}." for warning in sorted(data)]
    notes += run_warnings(board, rows)
    selected = frame[:rows].query("selected_by != ''")
    scores = percent(selected["selected_pixel_accuracy_mean"], selected["selected_pixel_accuracy_std"])
    notes += [
        f"{row.label}: PA {score} at the steps that were selected without labels, by {row.selected_by}: "
        f"{row.selected_steps}."
        for row, score in zip(each(selected), scores, strict=True)
    ]
    if len(frame) > rows:
        notes.append(f"The {rows} rows of highest PA of {len(frame)}; leaderboard.csv has every row.")
    titles = frame.drop_duplicates("method").set_index("method")["method_title"]
    logs = published_logs()
    logs = logs[logs.index.isin([(method, board.dataset) for method in titles.index])]
    return notes + [
        f"{titles[log.Index[0]]}'s own log: best {100 * log.best:.2f} at epoch {log.best_epoch}, chosen with "
        f"labels, last {100 * log.last:.2f} at epoch {log.last_epoch}; an epoch is {log.epoch} "
        f"({log.source}, run {log.run})."
        for log in each(logs)
    ]
