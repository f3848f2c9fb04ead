"""Showing a plan: what is finished, what continues, what is missing, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.planning.planned import PlannedRun
    from infoseg_bench.records.spec import RunSpec

LINES = 100
"""Runs that get a line each; of more than these, one for every method on a data set. Ours."""


def show_plan(
    specs: Sequence[RunSpec], results: Path, registry: Registry, *, force: bool
) -> list[PlannedRun]:
    """Print how far every run is.

    Returns:
        what is to be done
    """
    from infoseg_bench.contracts.method_source import source_hash
    from infoseg_bench.planning.planned import look
    from infoseg_bench.records.folder import RunFolder

    if force:
        for spec in specs:
            RunFolder.of(results, spec).clear()
    planned = look(specs, results, lambda name: source_hash(registry.method(name)))
    click.echo(f"{len(specs)} runs in {results}:")
    for line in _lines(planned) if len(planned) <= LINES else _summary(planned):
        click.echo(f"  {line}")
    return [run for run in planned if run.state != "finished"]


def show_cost(todo: Sequence[PlannedRun], jobs: int | None) -> None:
    """Print what is left would take, as far as earlier runs tell.

    Args:
        todo: what is left
        jobs: side by side; None: a cluster decides
    """
    from infoseg_bench.utils.text import duration

    if not todo:
        return
    known = [run.seconds for run in todo if run.seconds is not None]
    if not known:
        click.echo("estimated cost: unknown, as nothing like it is finished here (see infoseg-bench speed)")
        return
    total = sum(known)
    words = f"estimated cost: {duration(total)} of runs"
    words += f", {duration(total / jobs)} with {jobs} side by side" if jobs else ""
    unknown = Counter(run.spec.method for run in todo if run.seconds is None)
    rest = ", ".join(f"{count} of {method}" for method, count in unknown.items())
    click.echo(words + (f"; not known: {rest}" if rest else ""))


def _lines(planned: Sequence[PlannedRun]) -> list[str]:
    from infoseg_bench.records.differences import Differences

    label = Differences.among(run.spec for run in planned).label
    return [f"{run.state:<12} {', '.join([label(run.spec), *_details(run)])}" for run in planned]


def _details(run: PlannedRun) -> list[str]:
    from infoseg_bench.utils.text import duration

    spec, words = run.spec, list[str]()
    words += [f"{spec.budget.steps} steps"] if spec.budget else []
    words += [f"goes on at step {run.step}"] if run.step and run.state != "finished" else []
    words += [f"about {duration(run.seconds)}"] if run.seconds else []
    if run.changed:
        again = "repeat it with --force" if run.state == "finished" else "--force begins it anew"
        words.append(f"the method's source has changed since ({again})")
    return words


def _summary(planned: Sequence[PlannedRun]) -> list[str]:
    groups: dict[tuple[str, str], Counter[str]] = {}
    for run in planned:
        counts = groups.setdefault((run.spec.dataset, run.spec.method), Counter())
        counts[run.state] += 1
        counts["of changed source"] += run.changed
    return [
        f"{dataset} {method}: " + ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        for (dataset, method), counts in groups.items()
    ]
