"""Directives that generate tables from the installed package, so that the pages always agree with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, get_args

from docutils import nodes
from docutils.statemachine import StringList
from pydantic import TypeAdapter
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import infoseg_bench
from infoseg_bench import load_results
from infoseg_bench.contracts.registry import load_methods, load_recipes
from infoseg_bench.loggers.named import LOGGERS
from infoseg_bench.planning.suite import load_suite, shipped_suites
from infoseg_bench.records.record import Record
from infoseg_bench.reporting import published_figures as published
from infoseg_bench.utils.text import readable_size


def table_of(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    cells = [
        [str(cell).replace("|", "\\|").replace("*", "\\*").replace("\n", " ") for cell in row]
        for row in lines
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def value(content: Any) -> str:
    """Return a value as written after `--set`."""
    return f"`{json.dumps(content, default=str)}`"


def choices(annotation: Any) -> str:
    """Return the allowed values of a parameter, or its type."""
    options = get_args(annotation)
    if options and all(isinstance(option, str) for option in options):
        return ", ".join(f"`{option}`" for option in options)
    return getattr(annotation, "__name__", str(annotation).replace("typing.", ""))


def parameters(name: str) -> str:
    """Return the table of a method's parameters with their sources, and its presets."""
    method = load_methods().method(name)
    rows = []
    for field, info in method.parameters_type.model_fields.items():
        source = (info.json_schema_extra or {}).get("source", "")  # type: ignore[union-attr]
        rows.append(
            [f"`{name}.{field}`", value(info.default), choices(info.annotation), info.description, source]
        )
    presets = [
        f"- `{dataset}`: " + ", ".join(f"`{key}`: {value(setting)}" for key, setting in settings.items())
        for dataset, settings in method.presets.items()
    ]
    return "\n\n".join(
        [
            table_of(["parameter", "default", "values", "meaning", "source of the default"], rows),
            *(["Defaults that differ by data set:\n\n" + "\n".join(presets)] if presets else []),
        ]
    )


def method_list(_: str) -> str:
    """List the methods."""
    return table_of(
        ["name", "method", "trains in steps", "version", "reference"],
        [
            [
                f"[`{name}`](/methods/{name}.md)",
                method.title,
                "yes" if method.is_iterative else "no",
                method.version,
                method.citation,
            ]
            for name, method in sorted(load_methods().methods.items())
        ],
    )


def dataset_list(_: str) -> str:
    """List the data set recipes."""
    rows = []
    for name, recipe in sorted(load_recipes().recipes.items()):
        size = sum(source.size or 0 for source in recipe.sources)
        command = recipe.how_to_get.partition(" (")[0]
        rows.append(
            [f"`{name}`", recipe.title, command, readable_size(size) if size else "none", recipe.licence]
        )
    return table_of(["name", "data set", "command", "download", "licence"], rows)


def sources(name: str) -> str:
    """List the files that a data set is built from."""
    recipe = load_recipes().recipe(name)
    rows = [
        [
            f"`{file.name}`",
            readable_size(file.size) if file.size else "not known",
            "on request" if file.by_hand else "downloaded",
            file.address,
        ]
        for file in recipe.sources
    ]
    return table_of(["file", "size", "", "source"], rows)


def suites(_: str) -> str:
    """List the shipped suites."""
    rows = []
    for name in shipped_suites():
        suite = load_suite(name)
        rows.append([f"`{name}`", suite.title, ", ".join(f"`{each}`" for each in suite.datasets)])
    return table_of(["suite", "description", "data sets"], rows)


def suite_file(name: str) -> str:
    """Show the TOML file of a shipped suite."""
    return f"```toml\n{files('infoseg_bench').joinpath('suites', f'{name}.toml').read_text()}```"


def loggers(_: str) -> str:
    """List the loggers."""
    return table_of(
        ["logger", "output"],
        [[f"`{name}`", (cls.__doc__ or "").splitlines()[0]] for name, cls in LOGGERS.items()],
    )


def record_tables(_: str) -> str:
    """Describe every part of a record, field by field."""
    schema = TypeAdapter(Record).json_schema()
    parts = []
    for name, part in schema["$defs"].items():
        rows = [
            [f"`{field}`", kind(item), item.get("description", "")]
            for field, item in part["properties"].items()
        ]
        parts.append(
            f"### {name}\n\n{part.get('description', '')}\n\n{table_of(['field', 'type', 'meaning'], rows)}"
        )
    return "\n\n".join(parts)


def kind(item: dict[str, Any]) -> str:
    """Return the type of a field of a JSON schema as text."""
    if "anyOf" in item:
        return " or ".join(kind(option) for option in item["anyOf"])
    if "$ref" in item:
        return item["$ref"].rpartition("/")[2]
    if "const" in item:
        return json.dumps(item["const"])
    if "enum" in item:
        return " or ".join(json.dumps(option) for option in item["enum"])
    if item.get("type") == "array" and "items" in item:
        return f"list of {kind(item['items'])}"
    return str(item.get("type", "any"))


def record_schema(_: str) -> str:
    """Show the JSON schema of a record."""
    return f"```json\n{json.dumps(TypeAdapter(Record).json_schema(), indent=2)}\n```"


def published_figures_table(_: str) -> str:
    """Return the published pixel accuracies in the layout of the paper's Table 1."""
    datasets, table = published.published_datasets(), published.published_table()
    cells = table[datasets].map("{:.1f}".format, na_action="ignore").fillna("-")
    rows = [[title, *line] for title, line in zip(table["title"], cells.to_numpy(), strict=True)]
    return table_of(["PA in %", *(f"`{name}`" for name in datasets)], rows)


def later_figures_table(_: str) -> str:
    """Return the figures of later papers, with remarks on each and its source."""
    found = published.later_papers(set(published.later_figures()["dataset"]))
    assert found is not None
    assert found.numbers is not None
    table = found.shown.assign(source=found.numbers["source"]).replace("", "-")
    return table_of([*table], table.to_numpy().tolist())


def published_log_table(_: str) -> str:
    """Compare the best with the last epoch of published logs."""
    rows = [
        [
            *(*names, f"{100 * log['untrained']:.1f}"),
            *(f"{100 * log[state]:.1f} ({log[f'{state}_epoch']})" for state in ("best", "last")),
        ]
        for names, log in published.published_logs().iterrows()
    ]
    return table_of(["method", "data set", "untrained", "best (epoch)", "last logged (epoch)"], rows)


def measured_costs(_: str) -> str:
    """Return the costs of the committed runs, by data set and method."""
    # Other committed runs shared the machine with other work, so their times are no measure.
    table = load_results(Path(__file__).parents[2] / "reports/demo/packs", audited=False)
    table = table[(table["selection"] == "last") & table["fit_seconds"].notna()]
    rows = []
    for (dataset, method), runs in table.groupby(["dataset", "method_title"]):
        steps = sorted({int(count) for count in runs["steps"].dropna()})
        minutes = f"{runs['fit_seconds'].median() / 60:.1f}"
        memory = f"{runs['peak_host_bytes'].max() / 2**30:.1f}"
        length = ", ".join(map(str, steps)) or "one pass"
        rows.append([dataset, method, len(runs), length, minutes, memory])
    titles = ["data set", "method", "runs", "steps", "minutes of training (median)", "peak memory in GiB"]
    return table_of(titles, rows)


def api(_: str) -> str:
    """Document every public name of the package."""
    entries = []
    for name in infoseg_bench.__all__:
        kind_of = "class" if isinstance(getattr(infoseg_bench, name), type) else "function"
        entries.append(f".. auto{kind_of}:: infoseg_bench.{name}")
    return "```{eval-rst}\n" + "\n\n".join(entries) + "\n```"


class FromCode(SphinxDirective):
    """Parses the Markdown that a function returns."""

    optional_arguments = 1
    make: ClassVar[Callable[[str], str]]

    def run(self) -> list[nodes.Node]:
        """Return the parsed Markdown."""
        text = type(self).make(self.arguments[0] if self.arguments else "")
        return self.parse_text_to_nodes(StringList(text.splitlines(), source=f"<{self.name}>"))


DIRECTIVES = (
    parameters,
    method_list,
    dataset_list,
    sources,
    suites,
    suite_file,
    loggers,
    record_tables,
    record_schema,
    published_figures_table,
    later_figures_table,
    published_log_table,
    measured_costs,
    api,
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add a directive for every function, with dashes for underscores in its name."""
    for make in DIRECTIVES:
        name = make.__name__.replace("_", "-")
        app.add_directive(name, type(name, (FromCode,), {"make": staticmethod(make)}))
    return {"parallel_read_safe": True}
