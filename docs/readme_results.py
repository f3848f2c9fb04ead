"""Write the table of results in the README from the committed records: `python docs/readme_results.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from infoseg_bench import load_results
from infoseg_bench.planning.suite import Suite, load_suite

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
SOURCES = (("laptop", "reports/laptop/packs"), ("demo", "reports/demo/packs"))
"""Suites with the folders of their packs. The first whose methods were all run on one data set is shown."""
PICTURE = "reports/demo/**/fixed-selection.png"
CAPTION = "Embedded scenes, their ground truth with void in black, and what every method predicts"


def rows_of(name: str, suite: Suite, table: pd.DataFrame) -> pd.DataFrame:
    """Return the last scores of a suite's runs, on every data set on which all its methods were run."""
    table = table[table["selection"] == "last"]
    if name != "demo":  # its folder contains no other runs
        table = table[sum(_of_suite(table, suite, method) for method in suite.methods) > 0]
    # Methods that train without steps may have the same runs in several suites.
    complete = [
        dataset for dataset, rows in table.groupby("dataset") if set(rows["method"]) == set(suite.methods)
    ]
    return table[table["dataset"].isin(complete)]


def _of_suite(table: pd.DataFrame, suite: Suite, method: str) -> pd.Series:
    rows = (table["method"] == method) & (table["steps"].isna() | (table["steps"] == suite.budget.steps))
    for name, value in suite.parameters.get(method, {}).items():
        rows &= table.get(f"param.{name}", pd.Series(index=table.index)) == value
    return rows


def cell(scores: pd.Series) -> str:
    """Return the mean in percent, with the standard deviation of several seeds."""
    percent = 100 * scores
    return f"{percent.mean():.1f}" + (f" ± {percent.std():.1f}" if len(percent) > 1 else "")


def results(name: str, folders: list[Path]) -> str | None:
    """Return the table of a suite; None if no data set has runs of all its methods."""
    suite = load_suite(name)
    if not folders:
        return None
    table = rows_of(name, suite, load_results(*folders))
    if table.empty:
        return None
    datasets = sorted(set(table["dataset"]))
    photos = table.groupby("dataset")[["train_images", "evaluation_images"]].first()
    titles = [f"{name}: {trained} photos, {scored} scored" for name, trained, scored in photos.itertuples()]
    lines = [["PA in %", *titles], ["---", *["---:"] * len(datasets)]]
    for method in suite.methods:
        of_method = table[table["method"] == method]
        cells = [of_method[of_method["dataset"] == dataset]["pixel_accuracy"] for dataset in datasets]
        lines.append(
            [of_method["method_title"].iloc[0], *(cell(scores) if len(scores) else "" for scores in cells)]
        )
    constants = table.groupby("dataset")["constant_pixel_accuracy"].first()
    lines.append(["constant prediction", *(f"{100 * constants[dataset]:.1f}" for dataset in datasets)])
    seeds = table.groupby(["dataset", "method"])["seed"].nunique()
    counted = (
        "one seed"
        if seeds.max() == 1
        else f"{seeds.min()} to {seeds.max()} seeds"
        if seeds.min() < seeds.max()
        else f"{seeds.max()} seeds"
    )
    note = (
        f"Pixel accuracy at the last step under one one-to-one matching, {counted}, suite `{name}` "
        f"({int(table['steps'].max())} steps). **Not the paper's scale, and no reproduction of its figures.**"
        " The picture shows the suite `demo`."
    )
    return "\n".join([*("| " + " | ".join(line).replace("*", "\\*") + " |" for line in lines), "", note])


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
