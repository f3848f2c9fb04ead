"""Writing a report: an index, one page, and a folder per board."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from infoseg_bench.errors import UserError
from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.classes import class_frame, confusion_frame
from infoseg_bench.reporting.drawing import Drawing
from infoseg_bench.reporting.figures import KINDS, draw_figure
from infoseg_bench.reporting.gallery import Gallery, make_galleries, write_galleries
from infoseg_bench.reporting.later_papers import later_papers
from infoseg_bench.reporting.leaderboard import latex_tables, leaderboard_csv, markdown
from infoseg_bench.reporting.loaded_runs import MANY, Run, SegmentedRun, read_completed
from infoseg_bench.reporting.main_table import main_tables
from infoseg_bench.reporting.output import Output
from infoseg_bench.reporting.page import FIGURE_ROWS, page
from infoseg_bench.reporting.pictures import Panels
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
    public, local = Output(out), Output(out / LOCAL)
    tables = _write_tables(boards, public)
    drawn, classes = _write_boards(boards, public, pdf=figures == "pdf")
    index = public.put("leaderboard.md", _index(boards, tables, problems))
    panels = _panels(boards, data, plugins) if data else {}
    shown = partial(
        page, boards, tables=[*tables.values()], figures=drawn, classes=classes, problems=problems
    )
    home = _write_pages(shown, panels, public, local, embed=embed_photos)
    pages = write_galleries(galleries, data, public=public, local=local)
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


def _write_boards(
    boards: Sequence[Board], out: Output, *, pdf: bool
) -> tuple[dict[str, dict[str, Drawing]], dict[str, pd.DataFrame]]:
    """Write the files of all boards, in several processes if there are many runs.

    Returns:
        by board name: figures by their own names, and the scores of every class
    """
    makers: dict[str, Callable[[Board], Any]] = {
        **{name: partial(draw_figure, name=name, number=FIGURE_ROWS, pdf=pdf) for name in KINDS},
        "texts": _texts,
        "classes": class_frame,
    }
    jobs = [(name, board) for name in makers for board in boards]

    def make(job: tuple[str, Board]) -> Any:
        name, board = job
        return makers[name](board)

    many = sum(len(board.runs) for board in boards) >= MANY
    made = process_map(make, jobs, imports=DRAWING) if many else [*map(make, jobs)]
    found = {(name, board.name): one for (name, board), one in zip(jobs, made, strict=True)}
    figures: dict[str, dict[str, Drawing]] = {}
    for board in boards:
        drawn = {name: drawing for name in KINDS if (drawing := found[name, board.name])}
        files: dict[str, str | bytes] = {
            **found["texts", board.name],
            "classes.csv": to_csv(found["classes", board.name]),
            **{f"{name}.svg": drawing.svg for name, drawing in drawn.items()},
            **{f"{name}.pdf": drawing.pdf for name, drawing in drawn.items() if drawing.pdf},
        }
        for name, content in files.items():
            out.put(f"{board.name}/{name}", content)
        figures[board.name] = drawn
    if boards:
        runs = pd.concat([board.runs.reset_index() for board in boards])
        # Where a run lies is of no use to others, and its settings are columns already.
        out.put("runs.csv", to_csv(runs.drop(columns=["source", "settings"])))
    return figures, {board.name: found["classes", board.name] for board in boards}


def _texts(board: Board) -> dict[str, str]:
    """Return the text files of a board by name."""
    studies = [table.files(f"ablation-{number}") for number, table in enumerate(ablations(board), start=1)]
    return {
        "leaderboard.csv": leaderboard_csv(board),
        "confusion.csv": to_csv(confusion_frame(board, CONFUSION_ROWS)),
        **latex_tables(board),
        **{name: text for files in studies for name, text in files.items()},
    }


def _write_tables(boards: Sequence[Board], out: Output) -> dict[str, Table]:
    """Write the tables across the boards, and return them by name."""
    tables = {f"main-table-{number}": table for number, table in enumerate(main_tables(boards), start=1)}
    if found := quirks(boards):
        tables["quirks"] = found
    if published := later_papers({board.dataset for board in boards}):
        tables["later-papers"] = published
    for name, table in tables.items():
        for file, text in table.files(name, wide=len(table.shown.columns) > 4).items():
            out.put(file, text)
    return tables


def _write_pages(
    render: Callable[..., str], panels: Mapping[str, Panels], public: Output, local: Output, *, embed: bool
) -> Path:
    """Write the panels and the pages, and return the page to open first."""
    publishable = {board: _write_panels(board, one, public, local) for board, one in panels.items()}
    home = public.put("index.html", render(panels=publishable))
    return local.put("index.html", render(panels=panels)) if embed and publishable != panels else home


def _panels(boards: Sequence[Board], data: Path, plugins: Sequence[Path]) -> dict[str, Panels]:
    # PyTorch takes seconds to import: only for this.
    from infoseg_bench.reporting.panels import make_panels

    return {board.name: make_panels(board, data, plugins=plugins) for board in boards}


def _write_panels(board: str, panels: Panels, public: Output, local: Output) -> Panels:
    """Write a board's panels, and return what a public page may show of them."""
    for name, content in panels.files().items():
        if panels.publishable:
            public.put(f"{board}/panels/{name}", content)
        else:
            local.put(".gitignore", "*\n")
            local.put(f"{board}/{name}", content)
    if panels.publishable or not panels.panels:
        return panels
    note = f"Panels of these photos, which may not be published, are in {LOCAL}/{board}."
    return panels.without_pictures(note)


def _index(boards: Iterable[Board], tables: Mapping[str, Table], problems: Iterable[str]) -> str:
    parts = ["# Leaderboards", "The page `index.html` shows the same with figures, and can be sorted."]
    for board in boards:
        folder = board.name
        parts.append(markdown(board))
        parts.append(
            f"Files: [{folder}/leaderboard.csv]({folder}/leaderboard.csv), and as LaTeX; scores of every "
            f"class, figures and confusion matrices in [{folder}]({folder})."
        )
    parts += ["## Across the boards"] if tables else []
    parts += [
        f"{table.markdown()}\n\nFiles: [{name}.csv]({name}.csv), {name}.tex."
        for name, table in tables.items()
    ]
    left_out = [f"- {plain(line)}" for line in problems]
    parts += ["\n".join(["## Left out", "", *left_out])] if left_out else []
    return "\n\n".join(parts) + "\n"
