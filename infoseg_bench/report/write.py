"""Writing a report: an index, one page, and a folder per board."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.report.board_files import put, write_board, write_grid
from infoseg_bench.report.boards import Board, make_boards
from infoseg_bench.report.evidence import read_runs
from infoseg_bench.report.grid import Grid
from infoseg_bench.report.leaderboard import markdown
from infoseg_bench.report.main_table import main_tables
from infoseg_bench.report.markdown import plain
from infoseg_bench.report.page import page
from infoseg_bench.report.panels import Panels, make_panels
from infoseg_bench.report.quirks import quirks
from infoseg_bench.report.shown import PAGE_ROWS, leading

LOCAL = "local"
"""Folder of what must not be published; git ignores it."""


@dataclass(frozen=True)
class Report:
    """What was written: the Markdown file and the page to open first, and the boards."""

    index: Path
    page: Path
    boards: tuple[Board, ...]


def write_report(results: Path, out: Path, *, data: Path | None = None, embed_photos: bool = False) -> Report:
    """Write everything about the finished runs below `results` into `out`.

    A record that cannot be read, or does not follow from its counts, is left out and named.

    Args:
        results: folder of the runs
        out: folder to write to
        data: folder of the stores, for panels of photos; None: no panels
        embed_photos: put photos that may not be published on the page too, which then lies in `local/`

    Raises:
        UserError: no finished run, or `out` cannot be written
    """
    runs, problems = read_runs(results)
    boards = tuple(make_boards(runs))
    if not boards and not problems:
        raise UserError(
            f"no finished run in {results}: infoseg-bench run makes them, --results names another folder"
        )
    panels = {board.name: _panels(board, data, out, embed_photos) for board in boards}
    for board in boards:
        write_board(board, out / board.name)
    grids = _grids(boards, out)
    index = put(out / "leaderboard.md", _index(boards, grids, problems))
    private = embed_photos and any(one.pictures and not one.publishable for one in panels.values())
    home = _local(out) if private else out
    html = page(boards, grids=[grid for _, grid in grids], panels=panels, problems=problems)
    return Report(index, put(home / "index.html", html), boards)


def _grids(boards: Sequence[Board], out: Path) -> list[tuple[str, Grid]]:
    grids = [(f"main-table-{number}", grid) for number, grid in enumerate(main_tables(boards), start=1)]
    found = quirks(boards)
    grids += [("quirks", found)] if found else []
    for name, grid in grids:
        write_grid(grid, out / name)
    return grids


def _panels(board: Board, data: Path | None, out: Path, embed: bool) -> Panels:
    if data is None:
        return Panels()
    made = make_panels(board, leading(board, PAGE_ROWS), data)
    if not made.pictures:
        return made
    folder = out / board.name / "panels" if made.publishable else _local(out) / board.name
    for panel in made.pictures:
        put(folder / f"{panel.name.replace(' ', '-')}.png", panel.png)
    if made.publishable or embed:
        return made
    note = f"Panels of these photos, which may not be published, are in {LOCAL}/{board.name}."
    return replace(made, pictures=(), notes=(*made.notes, note))


def _local(out: Path) -> Path:
    put(out / LOCAL / ".gitignore", "*\n")
    return out / LOCAL


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
