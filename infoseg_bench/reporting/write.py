"""Writing a report: an index, one page, and a folder per board."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pandas as pd

from infoseg_bench.errors import UserError
from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.classes import class_frame, confusion_frame
from infoseg_bench.reporting.drawing import Drawing
from infoseg_bench.reporting.figures import KINDS, draw_figure
from infoseg_bench.reporting.gallery import Gallery, make_galleries, write_galleries
from infoseg_bench.reporting.leaderboard import latex_tables, leaderboard_csv, markdown
from infoseg_bench.reporting.loaded_runs import MANY, Run, SegmentedRun, read_completed
from infoseg_bench.reporting.main_table import main_tables
from infoseg_bench.reporting.output import Output
from infoseg_bench.reporting.page import FIGURE_ROWS, page
from infoseg_bench.reporting.pictures import Panels
from infoseg_bench.reporting.published_figures import later_papers
from infoseg_bench.reporting.quirks import quirks
from infoseg_bench.reporting.table import Table, to_csv
from infoseg_bench.utils.markdown import plain
from infoseg_bench.utils.parallel import process_map, unfreezing

LOCAL = "local"
"""Folder of what must not be published; git ignores it."""
DRAWING = ("matplotlib.figure", "matplotlib.backends.backend_svg")
"""Modules that draw figures."""
CONFUSION_ROWS = 50
"""Rows whose confusion matrices are written; chosen by this project."""


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        index: the Markdown file of all boards
        page: the same with figures, to open first
        boards: one per data set, content and protocol
        galleries: of photos without labels, each with its page
        problems: a line for every record that was left out
    """

    index: Path
    page: Path
    boards: tuple[Board, ...]
    galleries: tuple[tuple[Gallery, Path], ...] = ()
    problems: tuple[str, ...] = ()


@unfreezing()
def write_report(
    results: Path | Sequence[Path],
    out: Path,
    *,
    data: Path | None = None,
    embed_photos: bool = False,
    plugins: Sequence[Path] = (),
    figures: Literal["svg", "pdf"] = "svg",
    datasets: Collection[str] = (),
    methods: Collection[str] = (),
    states: Collection[str] = (),
) -> Report:
    """Write everything about the finished runs of `results` into `out`.

    Files there that an earlier report wrote and this one does not are removed; others stay. A record that
    cannot be read, or does not follow from its counts, is left out and named.

    Args:
        results: folder of the runs, or a pack of them, or several of both
        out: folder to write to
        data: folder of the stores, for panels of photos; None: no panels
        embed_photos: write a second page into `local/`, with the photos that may not be published too
        plugins: files with more methods and recipes, for panels
        figures: "pdf" writes every figure as PDF too
        datasets: only runs on these data sets; empty: on all
        methods: only runs of these methods; empty: of all
        states: only runs whose records have these states, "finished" or "unscored"; empty: both

    Raises:
        UserError: no finished run, or `out` cannot be written
    """
    sources = [results] if isinstance(results, Path) else results
    boards, galleries, problems = _read(sources, datasets, methods, states)
    public, local = Output(out), Output(out / LOCAL, ignored=True)
    tables = _tables(boards)
    for name, table in tables.items():
        public.put_all(table.files(name, wide=len(table.shown.columns) > 4))
    pages = write_galleries(galleries, data, public=public, local=local)
    index = public.put("leaderboard.md", _index(boards, _links(galleries, pages, out), tables, problems))
    drawn, classes = _write_boards(boards, public, pdf=figures == "pdf")
    panels = _make_panels(boards, data, plugins) if data else {}
    render = partial(
        page, boards, tables=[*tables.values()], figures=drawn, classes=classes, problems=problems
    )
    shown = {board: _write_panels(board, some, public, local) for board, some in panels.items()}
    home = public.put("index.html", render(panels=shown, galleries=_links(galleries, pages, out)))
    if embed_photos and shown != panels:
        links = _links(galleries, pages, local.root)
        home = local.put("index.html", render(panels=panels, galleries=links))
    local.finish()
    public.finish()
    return Report(index, home, tuple(boards), tuple(zip(galleries, pages, strict=True)), tuple(problems))


def _read(
    sources: Sequence[Path], datasets: Collection[str], methods: Collection[str], states: Collection[str]
) -> tuple[list[Board], list[Gallery], list[str]]:
    def chosen(run: Run | SegmentedRun) -> bool:
        spec, state = run.record.spec, run.record.status
        wanted = ((datasets, spec.dataset), (methods, spec.method), (states, state))
        return all(not some or one in some for some, one in wanted)

    runs, segmented, problems = read_completed(*sources)
    boards, galleries = make_boards(filter(chosen, runs)), make_galleries(filter(chosen, segmented))
    if not boards and not galleries and not problems:
        which = " of this choice" if datasets or methods or states else ""
        raise UserError(
            f"no finished run{which} in {', '.join(map(str, sources))}: infoseg-bench run makes them, "
            "--results names another folder"
        )
    return boards, galleries, problems


def _tables(boards: Sequence[Board]) -> dict[str, Table]:
    """Return the tables across the boards by name."""
    tables = {f"main-table-{number}": table for number, table in enumerate(main_tables(boards), start=1)}
    others = {"quirks": quirks(boards), "later-papers": later_papers({board.dataset for board in boards})}
    return tables | {name: table for name, table in others.items() if table}


def _write_boards(
    boards: Sequence[Board], out: Output, *, pdf: bool
) -> tuple[dict[str, dict[str, Drawing]], dict[str, pd.DataFrame]]:
    """Write the files of all boards, and return by board name: its figures, and the scores of every class."""
    many = sum(len(board.runs) for board in boards) >= MANY
    figures, classes = {}, {}
    made = process_map(partial(_contents, pdf=pdf), boards, imports=DRAWING, parallel=many)
    for board, (drawn, frame, texts) in zip(boards, made, strict=True):
        out.put_all({f"{name}.svg": one.svg for name, one in drawn.items()}, board.name)
        out.put_all({f"{name}.pdf": one.pdf for name, one in drawn.items() if one.pdf}, board.name)
        out.put_all(texts, board.name)
        figures[board.name], classes[board.name] = drawn, frame
    if boards:
        runs = pd.concat([board.runs.reset_index() for board in boards])
        # Where a run lies is of no use to others, and its settings are columns already.
        out.put("runs.csv", to_csv(runs.drop(columns=["source", "settings"])))
    return figures, classes


def _contents(board: Board, *, pdf: bool) -> tuple[dict[str, Drawing], pd.DataFrame, dict[str, str]]:
    """Return a board's figures by name, the scores of every class, and its tables by file name."""
    drawn = {name: draw_figure(board, name, FIGURE_ROWS, pdf=pdf) for name in KINDS}
    classes = class_frame(board)
    texts = {
        "leaderboard.csv": leaderboard_csv(board),
        "classes.csv": to_csv(classes),
        "confusion.csv": to_csv(confusion_frame(board, CONFUSION_ROWS)),
        **latex_tables(board),
    }
    for number, study in enumerate(ablations(board), start=1):
        texts |= study.files(f"ablation-{number}")
    return {name: one for name, one in drawn.items() if one}, classes, texts


def _make_panels(boards: Sequence[Board], data: Path, plugins: Sequence[Path]) -> dict[str, Panels]:
    # PyTorch takes seconds to import: only for this.
    from infoseg_bench.reporting.panels import make_panels

    return {board.name: make_panels(board, data, plugins=plugins) for board in boards}


def _write_panels(board: str, panels: Panels, public: Output, local: Output) -> Panels:
    """Write a board's panels, and return what a public page may show of them."""
    if panels.publishable:
        public.put_all(panels.files(), f"{board}/panels")
    else:
        local.put_all(panels.files(), board)
    if panels.publishable or not panels.panels:
        return panels
    note = f"Panels of these photos, which may not be published, are in {LOCAL}/{board}."
    return Panels(notes=(*panels.notes, note))


def _links(galleries: Sequence[Gallery], pages: Sequence[Path], folder: Path) -> dict[str, str]:
    """Return the addresses of galleries, as seen from a page in a folder, and what they show in words."""
    addresses = (quote(Path(os.path.relpath(file, folder)).as_posix()) for file in pages)
    return {place: gallery.summary for place, gallery in zip(addresses, galleries, strict=True)}


def _index(
    boards: Iterable[Board],
    galleries: Mapping[str, str],
    tables: Mapping[str, Table],
    problems: Sequence[str],
) -> str:
    parts = ["# Leaderboards", "The page `index.html` shows the same with figures, and can be sorted."]
    for board in boards:
        name = board.name
        files = (
            f"Files: [{name}/leaderboard.csv]({name}/leaderboard.csv), and as LaTeX; scores of every "
            f"class, figures and confusion matrices in [{name}]({name})."
        )
        parts += [markdown(board), files]
    links = [f"- [{plain(summary)}]({address})" for address, summary in galleries.items()]
    parts += ["## Photos without labels", "\n".join(links)] if links else []
    parts += ["## Across the boards"] if tables else []
    for name, table in tables.items():
        parts += [table.markdown(), f"Files: [{name}.csv]({name}.csv), {name}.tex."]
    parts += ["## Left out", "\n".join(f"- {plain(line)}" for line in problems)] if problems else []
    return "\n\n".join(parts) + "\n"
