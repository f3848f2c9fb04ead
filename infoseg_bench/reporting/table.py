"""One table in every form: for people as Markdown, HTML and LaTeX, for programs as CSV."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from infoseg_bench.utils.markdown import plain, table


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

    def markdown(self, level: int = 3) -> str:
        """Return a section with a heading, the table, and its notes as a list."""
        parts = [
            f"{'#' * level} {plain(self.title)}",
            table([*map(str, self.shown)], self.shown.to_numpy().tolist()),
        ]
        return "\n\n".join([*parts, "\n".join(f"- {plain(note)}" for note in self.notes)]).strip()

    def csv(self) -> str:
        """Return the numbers as CSV."""
        assert self.numbers is not None
        return str(self.numbers.to_csv(index=False, lineterminator="\n"))

    def latex(self, label: str, *, small: bool = False) -> str:
        r"""Return a `table` environment that needs no package and looks best with booktabs.

        Args:
            label: for \ref
            small: for one column of a two-column paper
        """
        first = r"p{.25\columnwidth}" if small else "l"
        style = self.shown.style.hide(axis="index").format(latex_text).format_index(latex_text, axis=1)
        style.apply(lambda column: self._weights(len(column)))
        body = style.to_latex(
            hrules=True,
            label=f"tab:{label}",
            caption=" ".join(latex_text(part) for part in [f"{self.title}.", *self.notes]),
            position_float="centering",
            column_format=first + "r" * (self.shown.shape[1] - 1),
        )
        size = r"\centering" + (r"\footnotesize\setlength{\tabcolsep}{2.5pt}" if small else r"\footnotesize")
        return _RULES + body.replace(r"\centering", size, 1)

    def _weights(self, rows: int) -> list[str]:
        return ["textbf:--rwrap;" if row in self.best else "" for row in range(rows)]


_RULES = "".join(
    rf"\providecommand{{\{rule}}}{{\hline}}" + "\n" for rule in ("toprule", "midrule", "bottomrule")
)
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "–": "--",  # noqa: RUF001
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        **{character: "\\" + character for character in "&%$#_{}"},
    }
)


def latex_text(text: object) -> str:
    """Make a text harmless in LaTeX: one line, every special character escaped."""
    return " ".join(str(text).split()).translate(_LATEX)


def percent(mean: Iterable[float], deviation: Iterable[float] | None = None) -> list[str]:
    """Write shares in percent, with their standard deviations where there are several seeds."""
    means = list(mean)
    spreads = [None] * len(means) if deviation is None else deviation
    return [
        "" if pd.isna(one) else f"{100 * one:.1f}" + ("" if pd.isna(spread) else f" ± {100 * spread:.1f}")
        for one, spread in zip(means, spreads, strict=True)
    ]


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the columns that hold nothing but empty texts."""
    return frame.loc[:, (frame != "").any()]
