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
from infoseg_bench.reporting.classes import class_frame, confusion_csv, matched_confusion, row_shares
from infoseg_bench.reporting.drawing import Drawing
from infoseg_bench.reporting.figures import KINDS, confusion_pictures, draw_figure
from infoseg_bench.reporting.gallery import Gallery, make_galleries, write_galleries
from infoseg_bench.reporting.leaderboard import FIGURE_ROWS, leaderboard, leaderboard_csv, markdown, narrow
from infoseg_bench.reporting.loaded_runs import MANY, Run, SegmentedRun, read_completed
from infoseg_bench.reporting.main_table import main_tables
from infoseg_bench.reporting.output import Output
from infoseg_bench.reporting.page import page
from infoseg_bench.reporting.panels import Panels, make_panels
from infoseg_bench.reporting.quirks import quirks
from infoseg_bench.reporting.table import Table
from infoseg_bench.utils.markdown import plain
from infoseg_bench.utils.parallel import process_map

LOCAL = "local"
"""Folder of what must not be published; git ignores it."""
CONFUSION_ROWS, CONFUSION_PICTURES = 50, 24
"""Rows whose confusion matrices get CSV files, and runs of a board up to which each gets a picture too;
chosen by this project."""


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
    panels = {board.name: make_panels(board, data, plugins=plugins) if data else Panels() for board in boards}
    drawn, confusions, classes = _parts(boards, pdf=figures == "pdf")
    for board in boards:
        _write_board(board, classes[board.name], drawn[board.name], public)
        for name, content in confusions[board.name].items():
            public.put(name, content)
        _write_panels(board, panels[board.name], public, local)
    tables = _tables(boards)
    for name, table in tables.items():
        _write_table(table, name, public)
    if boards:
        lines = pd.concat([board.runs for board in boards]).reset_index()
        public.put("runs.csv", lines.to_csv(index=False, lineterminator="\n"))
    index = public.put("leaderboard.md", _index(boards, tables, problems))
    render = partial(
        page, boards, tables=[*tables.values()], figures=drawn, classes=classes, problems=problems
    )
    publishable = {name: _publishable(name, one) for name, one in panels.items()}
    home = public.put("index.html", render(panels=publishable))
    if embed_photos and publishable != panels:
        home = local.put("index.html", render(panels=panels))
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
    boards, galleries = make_boards(list(filter(chosen, runs))), make_galleries(filter(chosen, segmented))
    if not boards and not galleries and not problems:
        which = " of this choice" if datasets or methods or states else ""
        raise UserError(
            f"no finished run{which} in {', '.join(map(str, sources))}: infoseg-bench run makes them, "
            "--results names another folder"
        )
    return boards, galleries, problems


def _parts(
    boards: Sequence[Board], *, pdf: bool
) -> tuple[dict[str, dict[str, Drawing]], dict[str, dict[str, str | bytes]], dict[str, pd.DataFrame]]:
    """Make what takes longest, all by board name: figures, files of confusion matrices, and class scores."""
    jobs: list[Callable[[], Any]] = [
        partial(draw_figure, board, name, FIGURE_ROWS, pdf=pdf) for board in boards for name in KINDS
    ]
    jobs += [
        partial(make, board) for make in (partial(_confusions, pdf=pdf), class_frame) for board in boards
    ]
    many = sum(len(board.runs) for board in boards) >= MANY
    found = iter(process_map(_call, jobs) if many else map(_call, jobs))
    figures = {board.name: {name: next(found) for name in KINDS} for board in boards}
    drawn = {name: {kind: one for kind, one in some.items() if one} for name, some in figures.items()}
    confusions = {board.name: next(found) for board in boards}
    return drawn, confusions, {board.name: next(found) for board in boards}


def _call(job: Callable[[], Any]) -> Any:
    return job()


def _tables(boards: Sequence[Board]) -> dict[str, Table]:
    tables = {f"main-table-{number}": table for number, table in enumerate(main_tables(boards), start=1)}
    found = quirks(boards)
    return tables | ({"quirks": found} if found else {})


def _write_table(table: Table, name: str, out: Output) -> None:
    """Write a table as CSV and as LaTeX; `name` is without their endings."""
    out.put(f"{name}.csv", table.csv())
    out.put(f"{name}.tex", table.latex(name.replace("/", "-")))


def _files(drawing: Drawing, name: str) -> dict[str, str | bytes]:
    return {f"{name}.svg": drawing.svg, **({f"{name}.pdf": drawing.pdf} if drawing.pdf else {})}


def _write_board(board: Board, classes: pd.DataFrame, figures: Mapping[str, Drawing], out: Output) -> None:
    """Write a board's tables and figures into the folder of its name."""
    folder = board.name
    out.put(f"{folder}/leaderboard.csv", leaderboard_csv(board))
    out.put(f"{folder}/leaderboard.tex", narrow(board).latex(folder, small=True))
    out.put(f"{folder}/leaderboard-wide.tex", leaderboard(board).latex(f"{folder}-wide"))
    out.put(f"{folder}/classes.csv", classes.to_csv(index=False, lineterminator="\n"))
    for name, drawing in figures.items():
        for file, content in _files(drawing, f"{folder}/{name}").items():
            out.put(file, content)
    for number, study in enumerate(ablations(board), start=1):
        _write_table(study, f"{folder}/ablation-{number}", out)


def _confusions(board: Board, *, pdf: bool) -> dict[str, str | bytes]:
    """Return the confusion matrices of a board's leading rows as CSV, and as pictures if runs are few."""
    files: dict[str, str | bytes] = {}
    pictures = confusion_pictures(board, pdf=pdf) if len(board.runs) <= CONFUSION_PICTURES else {}
    for row in board.leading(CONFUSION_ROWS).index:
        for run in board.seeds(str(row)):
            spec, pixels = run.record.spec, matched_confusion(run.counts)
            stem = f"{board.name}/confusion/{spec.method}-seed{spec.seed}-{run.record.identity[:6]}"
            if spec.identity in pictures:
                files |= _files(pictures[spec.identity], stem)
            files[f"{stem}.csv"] = confusion_csv(pixels, board.facts.classes)
            files[f"{stem}-shares.csv"] = confusion_csv(row_shares(pixels), board.facts.classes)
    return files


def _write_panels(board: Board, panels: Panels, public: Output, local: Output) -> None:
    for name, content in panels.files().items():
        if panels.publishable:
            public.put(f"{board.name}/panels/{name}", content)
        else:
            local.put(".gitignore", "*\n")
            local.put(f"{board.name}/{name}", content)


def _publishable(name: str, panels: Panels) -> Panels:
    if panels.publishable or not panels.panels:
        return panels
    return panels.without_pictures(
        f"Panels of these photos, which may not be published, are in {LOCAL}/{name}."
    )


def _index(boards: Iterable[Board], tables: Mapping[str, Table], problems: Iterable[str]) -> str:
    parts = ["# Leaderboards", "The same with figures, sortable: [index.html](index.html)."]
    for board in boards:
        folder = board.name
        parts.append(markdown(board))
        parts.append(
            f"Files: [{folder}/leaderboard.csv]({folder}/leaderboard.csv), and as LaTeX; scores of every "
            f"class, figures and confusion matrices in [{folder}]({folder})."
        )
    if tables:
        parts.append("## Across the boards")
    parts += [
        f"{table.markdown()}\n\nFiles: [{name}.csv]({name}.csv), {name}.tex."
        for name, table in tables.items()
    ]
    left_out = [f"- {plain(line)}" for line in problems]
    if left_out:
        parts.append("\n".join(["## Left out", "", *left_out]))
    return "\n\n".join(parts) + "\n"
