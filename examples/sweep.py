"""Sweep a parameter, then plot the scores from `load_results()`.

    infoseg-bench prepare synthetic-scenes
    python examples/sweep.py synthetic-scenes infoseg tau 0.4 0.8 1.6 --seeds 3 --steps 300

Finished runs are not repeated, so the sweep can be interrupted, and extended with more values or seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # a backend that needs no display
import matplotlib.pyplot as plt

from infoseg_bench import load_results, run


def sweep(options: argparse.Namespace) -> None:
    """Run a method once per value and seed."""
    for value in options.values:
        done = run(
            datasets=[options.dataset],
            methods=[options.method],
            seeds=range(options.seeds),
            steps=options.steps,
            parameters={options.method: {options.parameter: value}},
            results=options.results,
        )
        for outcome in done.failed:
            print(f"{options.parameter}={value}: {outcome.reason}")


def plot(results: Path, dataset: str, method: str, parameter: str, out: Path) -> None:
    """Plot pixel accuracy at the last step against the parameter, for every seed and as mean."""
    table = load_results(results)
    table = table[
        (table["dataset"] == dataset) & (table["method"] == method) & (table["selection"] == "last")
    ]
    column = f"param.{parameter}"
    figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
    axes.scatter(table[column], 100 * table["pixel_accuracy"], alpha=0.6, label="one seed")
    mean = 100 * table.groupby(column)["pixel_accuracy"].mean()
    axes.plot(mean.index, mean, marker="o", color="black", label="mean")
    axes.axhline(100 * table["constant_pixel_accuracy"].iloc[0], linestyle=":", label="constant prediction")
    axes.set(xlabel=f"{method}.{parameter}", ylabel="pixel accuracy in %", title=dataset)
    axes.legend()
    figure.savefig(out)
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("dataset", "method", "parameter"):
        parser.add_argument(name)
    parser.add_argument("values", nargs="+")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=Path("sweep.svg"))
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds")
    parser.add_argument("--steps", type=int, help="training steps; default: as for `infoseg-bench run`")
    options = parser.parse_args()
    sweep(options)
    plot(options.results, options.dataset, options.method, options.parameter, options.out)
