"""Write the table of results in the README from the committed records: `python docs/readme_results.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from infoseg_bench import load_results
from infoseg_bench.planning.suite import Suite, load_suite
from infoseg_bench.reporting.table import percent

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
SOURCES = (("laptop", "reports/laptop/packs"), ("demo", "reports/demo/packs"))
"""Suites with the folders of their packs. The first whose methods were all run on one data set is shown."""
PICTURE = "reports/demo/**/fixed-selection.png"
CAPTION = "Embedded scenes, their ground truth with void in black, and what every method predicts"


BOARD = ["dataset", "fingerprint", "protocol"]
"""What runs have in common that may be compared."""


def rows_of(name: str, suite: Suite, table: pd.DataFrame) -> pd.DataFrame:
    """Return the last scores of a suite's runs, on all data on which all its methods were run."""
    table = table[table["selection"] == "last"]
    if name != "demo":  # its folder contains no other runs
        table = table[sum(_of_suite(table, suite, method) for method in suite.methods) > 0]
    # Methods that train without steps may have the same runs in several suites.
    return table.groupby(BOARD).filter(lambda rows: set(rows["method"]) == set(suite.methods))


def _of_suite(table: pd.DataFrame, suite: Suite, method: str) -> pd.Series:
    rows = (table["method"] == method) & (table["steps"].isna() | (table["steps"] == suite.budget.steps))
    for name, value in suite.parameters.get(method, {}).items():
        rows &= table.get(f"param.{name}", pd.Series(index=table.index)) == value
    return rows


def results(name: str, folders: list[Path]) -> str | None:
    """Return the table of a suite; None if there are no data on which all its methods were run."""
    suite = load_suite(name)
    if not folders:
        return None
    table = rows_of(name, suite, load_results(*folders))
    if table.empty:
        return None
    methods = [*suite.methods]
    titles = table.groupby("method")["method_title"].first()[methods]
    columns = [["PA in %", "---", *titles, "constant prediction"]]
    for _, runs in table.groupby(BOARD):
        facts = runs.iloc[0]
        title = f"{facts.dataset}: {facts.train_images} photos, {facts.evaluation_images} scored"
        scores = runs.groupby("method")["pixel_accuracy"].agg(["mean", "std"]).loc[methods]
        constant = percent([facts.constant_pixel_accuracy])
        columns.append([title, "---:", *percent(scores["mean"], scores["std"]), *constant])
    lines = ["| " + " | ".join(line).replace("*", "\\*") + " |" for line in zip(*columns, strict=True)]
    seeds = table.groupby([*BOARD, "method"])["seed"].nunique()
    numbers = " to ".join(dict.fromkeys(map(str, (seeds.min(), seeds.max()))))
    note = (
        f"Pixel accuracy at the last step under one one-to-one matching, {numbers} "
        f"{'seed' if numbers == '1' else 'seeds'}, suite `{name}` "
        f"({int(table['steps'].max())} steps). **Not the paper's scale, and no reproduction of its figures.**"
        " The picture shows the suite `demo`."
    )
    return "\n".join([*lines, "", note])


def block() -> str:
    """Return the generated part of the README."""
    pictures = sorted(ROOT.glob(PICTURE))
    picture = f"![{CAPTION}]({pictures[0].relative_to(ROOT)})\n\n" if pictures else ""
    for name, folder in SOURCES:
        if made := results(name, sorted(ROOT.glob(folder))):
            return f"{BEGIN}\n{picture}{made}\n{END}"
    return f"{BEGIN}\n{END}"


def replaced(readme: str) -> str:
    """Return the README with its generated part replaced."""
    before, _, rest = readme.partition(BEGIN)
    return before + block() + rest.partition(END)[2]


if __name__ == "__main__":
    path = ROOT / "README.md"
    new = replaced(path.read_text())
    sys.stdout.write("unchanged\n" if new == path.read_text() else "written\n")
    path.write_text(new)
