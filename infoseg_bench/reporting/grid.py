"""A table of a report, before it is Markdown, CSV, LaTeX or HTML."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from infoseg_bench.utils.markdown import plain, table


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table.

    Attributes:
        title: of the table
        head: names of the columns
        body: cells as they are shown, every row as long as the head
        notes: sentences that a reader needs
    """

    title: str
    head: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self, level: int = 3) -> str:
        """Return a section with a heading, the table, and its notes as a list."""
        parts = [f"{'#' * level} {plain(self.title)}", table(self.head, self.body)]
        return "\n\n".join([*parts, "\n".join(f"- {plain(note)}" for note in self.notes)]).strip()

    def csv(self) -> str:
        """Return head and cells as CSV."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.head, *self.body])
        return out.getvalue()

    def latex(self) -> str:
        """Return a `table` environment with booktabs' rules."""
        rows = [" & ".join(map(latex_text, cells)) + r" \\" for cells in self.body]
        return "\n".join(
            [
                r"% needs \usepackage{booktabs}",
                r"\begin{table}",
                r"  \centering",
                rf"  \caption{{{latex_text(self.title)}. {' '.join(map(latex_text, self.notes))}}}",
                rf"  \begin{{tabular}}{{l{'r' * (len(self.head) - 1)}}}",
                r"    \toprule",
                "    " + " & ".join(map(latex_text, self.head)) + r" \\",
                r"    \midrule",
                *(f"    {row}" for row in rows),
                r"    \bottomrule",
                r"  \end{tabular}",
                r"\end{table}",
                "",
            ]
        )


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",  # noqa: RUF001
    "†": r"$\dagger$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


def latex_text(text: str) -> str:
    """Make a text harmless in LaTeX: one line, every special character escaped."""
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
