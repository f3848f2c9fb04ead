"""A table in every form: for people as Markdown, HTML and LaTeX, for programs as CSV."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import pandas as pd

from infoseg_bench.utils.markdown import plain, table

TABLE_ROWS = 100
"""Rows of a table in Markdown, LaTeX and on the page; chosen by this project."""

Columns = Mapping[str, str | tuple[str, ...]]
"""By title, the name of a column of texts or whole numbers, or in a tuple the names of a share and, if there
are seeds, of its standard deviation, which become percent."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A table.

    Attributes:
        title: of the table
        shown: cells as people read them, all of them texts; the first column names the row
        numbers: the same for programs: plain numbers, shares in [0, 1]; None where another file has them
        notes: sentences that a reader needs
        best: places of the rows that are set in bold
        tags: of every row, what a page filters it by; empty for a row that always stays
    """

    title: str
    shown: pd.DataFrame
    numbers: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    best: Collection[int] = ()
    tags: Sequence[Sequence[str]] = ()

    def cut(self) -> Table:
        """Return the table with `TABLE_ROWS` rows to show at most, and the last one; the numbers stay."""
        left = len(self.shown) - TABLE_ROWS
        if left <= 0:
            return self
        shown = pd.concat([self.shown[: TABLE_ROWS - 1], self.shown[-1:]], ignore_index=True)
        return replace(self, shown=shown, notes=(*self.notes, f"{left} more rows are in the CSV file."))

    def markdown(self, level: int = 3) -> str:
        """Return a section with a heading, the table, and its notes as a list."""
        body = table([*map(str, self.shown)], self.shown.to_numpy().tolist())
        notes = "\n".join(f"- {plain(note)}" for note in self.notes)
        return f"{'#' * level} {plain(self.title)}\n\n{body}\n\n{notes}".strip()

    def files(self, name: str, *, wide: bool = False) -> dict[str, str]:
        """Return the table by file name, without its ending `name`: CSV, if it has numbers, and LaTeX."""
        csv = {} if self.numbers is None else {f"{name}.csv": to_csv(self.numbers)}
        return {**csv, f"{name}.tex": self.latex(name.replace("/", "-"), wide=wide)}

    def latex(self, label: str, *, wide: bool = False) -> str:
        r"""Return a float that needs no package and looks best with booktabs.

        Args:
            label: for \ref
            wide: for both columns of a two-column paper, not for one
        """
        first, *rest = self.shown
        width, size = (r".2\textwidth", r"\scriptsize") if wide else (r".28\columnwidth", r"\footnotesize")
        style = self.shown.style.hide(axis="index").format(latex_text).format_index(_latex_head, axis=1)
        style.format(_latex_paragraph, subset=[first])
        style.apply(lambda column: ["bfseries:" if row in self.best else "" for row in range(len(column))])
        body = style.to_latex(
            hrules=True,
            label=f"tab:{label}",
            caption=" ".join(latex_text(part) for part in [f"{self.title}.", *self.notes]),
            position_float="centering",
            column_format=f"p{{{width}}}" + "r" * len(rest),
            environment="table*" if wide else "table",
        )
        return _RULES + body.replace(r"\centering", rf"\centering{size}\setlength{{\tabcolsep}}{{2.5pt}}", 1)


_RULES = "".join(rf"\providecommand{{\{rule}rule}}{{\hline}}" + "\n" for rule in ("top", "mid", "bottom"))
_LATEX = str.maketrans({
    **{character: "\\" + character for character in "&%$#{}_"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$",
    "–": "--", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",  # noqa: RUF001
})  # fmt: skip


def latex_text(text: object) -> str:
    """Make a text harmless in LaTeX: one line, every special character escaped."""
    return " ".join(str(text).split()).translate(_LATEX)


def _latex_paragraph(text: object) -> str:
    """Return a cell of the column whose lines wrap, with places where long settings may be broken."""
    broken = latex_text(text).replace(r"\_", r"\_\allowbreak{}").replace("=", r"=\allowbreak{}")
    return rf"\raggedright\hspace{{0pt}}{broken}"


def _latex_head(text: object) -> str:
    lines = [*map(latex_text, textwrap.wrap(str(text), 9, break_long_words=False))]
    return r"\shortstack[r]{" + r" \\ ".join(lines) + "}" if len(lines) > 1 else "".join(lines)


def percent(mean: Iterable[float], deviation: Iterable[float] | None = None) -> list[str]:
    """Write shares in percent, with their standard deviations where there are several seeds."""
    spreads = repeat(None) if deviation is None else deviation
    return [
        "" if pd.isna(one) else f"{100 * one:z.1f}" + ("" if pd.isna(spread) else f" ± {100 * spread:.1f}")
        for one, spread in zip(mean, spreads, strict=deviation is not None)
    ]


def readable(numbers: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return columns of a frame as texts for people."""
    cells = {
        title: numbers[names].astype("string").fillna("")
        if isinstance(names, str)
        else percent(*(numbers[name] for name in names))
        for title, names in columns.items()
    }
    return pd.DataFrame(cells, dtype=object)


def to_csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV, the same text on every system."""
    return str(frame.to_csv(index=False, lineterminator="\n"))
