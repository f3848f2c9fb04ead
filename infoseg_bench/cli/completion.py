"""Shell completion for the names of methods, data sets, suites, presets and runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(values: Callable[[click.Context], Iterable[tuple[str, str]]]) -> Complete:
    """Return a completion function for values, each with the help text that a shell shows beside it."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        # A completion should not show errors, such as a missing folder or a damaged store.
        with suppress(Exception):
            found = sorted(values(ctx))
            return [CompletionItem(value, help=text) for value, text in found if value.startswith(incomplete)]
        return []

    return complete


def _folder(ctx: click.Context, name: str) -> Path:
    return Path(ctx.params.get(name) or name)


def _entry_points(group: str) -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: "" for point in entry_points(group=group)}


def _methods(ctx: click.Context) -> Iterable[tuple[str, str]]:
    return _entry_points("infoseg_bench.methods").items()


def _datasets(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from infoseg_bench.data.catalogue import prepared_datasets

    prepared = dict.fromkeys(prepared_datasets(_folder(ctx, "data"))[0], "prepared")
    return {**_entry_points("infoseg_bench.datasets"), **prepared}.items()


def _suites(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from infoseg_bench.planning.suite import load_suite, shipped_suites

    return ((name, load_suite(name).title) for name in shipped_suites())


def _presets(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from infoseg_bench.planning.suite import presets

    return ((name, suite.title) for name, suite in presets().items())


def _runs(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from infoseg_bench.records.spec import SHORT_ID

    for file in (_folder(ctx, "results") / "runs").glob("*/spec.json"):
        title, _, identity = file.parent.name.rpartition("--")
        yield identity[:SHORT_ID], title.replace("--", " ")


METHODS, DATASETS, SUITES = _completing(_methods), _completing(_datasets), _completing(_suites)
PRESETS, RUNS = _completing(_presets), _completing(_runs)
