"""Writing a report: an index, one page, and a folder per board."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.reporting.board_files import write_board, write_grid
from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.gallery import Gallery, read_galleries, write_galleries
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.leaderboard import markdown
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.main_table import main_tables
from infoseg_bench.reporting.output import Output
from infoseg_bench.reporting.page import page
from infoseg_bench.reporting.panels import Panels, make_panels
from infoseg_bench.reporting.quirks import quirks
from infoseg_bench.reporting.shown import PAGE_ROWS, leading
from infoseg_bench.utils.markdown import plain

LOCAL = "local"
"""Folder of what must not be published; git ignores it."""


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        index: the Markdown file of all boards
        page: the same with figures, to open first
        boards: one per data set, content and protocol
        galleries: of photos without labels, each with its page
    """

    index: Path
    page: Path
    boards: tuple[Board, ...]
    galleries: tuple[tuple[Gallery, Path], ...] = ()


def write_report(
    results: Path | Sequence[Path],
    out: Path,
    *,
    data: Path | None = None,
    embed_photos: bool = False,
    plugins: Sequence[Path] = (),
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

    Raises:
        UserError: no finished run, or `out` cannot be written
    """
    sources = [results] if isinstance(results, Path) else results
    runs, problems = read_runs(*sources)
    galleries, more_problems = read_galleries(*sources)
    problems += [line for line in more_problems if line not in problems]
    boards = tuple(make_boards(runs))
    if not boards and not galleries and not problems:
        places = ", ".join(map(str, sources))
        raise UserError(
            f"no finished run in {places}: infoseg-bench run makes them, --results names another folder"
        )
    public, local = Output(out), Output(out / LOCAL)
    panels = {board.name: _panels(board, data, plugins) for board in boards}
    for board in boards:
        write_board(board, public)
        _write_panels(board, panels[board.name], public, local)
    grids = _grids(boards, public)
    index = public.put("leaderboard.md", _index(boards, grids, problems))
    publishable = {name: _publishable(name, one) for name, one in panels.items()}
    render = partial(page, boards, grids=[grid for _, grid in grids], problems=problems)
    home = public.put("index.html", render(panels=publishable))
    if embed_photos and publishable != panels:
        home = local.put("index.html", render(panels=panels))
    pages = write_galleries(galleries, data, public=public, local=local)
    local.finish()
    public.finish()
    return Report(index, home, boards, tuple(zip(galleries, pages, strict=True)))


def _grids(boards: Sequence[Board], out: Output) -> list[tuple[str, Grid]]:
    grids = [(f"main-table-{number}", grid) for number, grid in enumerate(main_tables(boards), start=1)]
    found = quirks(boards)
    grids += [("quirks", found)] if found else []
    for name, grid in grids:
        write_grid(grid, out, name)
    return grids


def _panels(board: Board, data: Path | None, plugins: Sequence[Path]) -> Panels:
    return make_panels(board, leading(board, PAGE_ROWS), data, plugins=plugins) if data else Panels()


def _write_panels(board: Board, panels: Panels, public: Output, local: Output) -> None:
    for panel in panels.pictures:
        name = f"{panel.name.replace(' ', '-')}.png"
        if panels.publishable:
            public.put(f"{board.name}/panels/{name}", panel.png)
        else:
            local.put(".gitignore", "*\n")
            local.put(f"{board.name}/{name}", panel.png)


def _publishable(name: str, panels: Panels) -> Panels:
    if panels.publishable or not panels.pictures:
        return panels
    note = f"Panels of these photos, which may not be published, are in {LOCAL}/{name}."
    return replace(panels, pictures=(), notes=(*panels.notes, note))


def _index(boards: Iterable[Board], grids: Sequence[tuple[str, Grid]], problems: Iterable[str]) -> str:
    parts = ["# Leaderboards", "The same with figures, sortable: [index.html](index.html)."]
    for board in boards:
        folder = board.name
        parts.append(markdown(board))
        parts.append(
            f"Files: [{folder}/leaderboard.csv]({folder}/leaderboard.csv), and as LaTeX; class balance, "
            f"curves and confusion matrices in [{folder}]({folder})."
        )
    if grids:
        parts.append("## Across the boards")
    parts += [f"{grid.markdown()}\n\nFiles: [{name}.csv]({name}.csv), {name}.tex." for name, grid in grids]
    left_out = [f"- {plain(line)}" for line in problems]
    if left_out:
        parts.append("\n".join(["## Left out", "", *left_out]))
    return "\n\n".join(parts) + "\n"
