"""Commands in the README and on the pages exist with the options that they are given there."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import click
import pandas as pd
import pytest

from infoseg_bench.cli import main
from infoseg_bench.planning.suite import load_suite

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [document for document in DOCUMENTS if "_build" not in document.parts]


def commands(document: Path) -> list[list[str]]:
    """Return every infoseg-bench command of a document's code blocks and of its text, as words."""
    text = document.read_text().replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL))
    inline = re.findall(r"`(infoseg-bench [^`]+)`", text)
    lines = [part.strip() for line in blocks.splitlines() for part in line.split("&&")] + inline
    split = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in split if words and words[0].endswith("infoseg-bench")]


ALL = sorted({tuple(words) for document in DOCUMENTS for words in commands(document)})


def test_the_readme_and_the_pages_show_commands() -> None:
    assert len(commands(README)) >= 5
    assert len(ALL) >= 30


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_command_exists_with_its_options(words: tuple[str, ...]) -> None:
    command: click.Command = main
    context = click.Context(main)
    left = list(words)
    while isinstance(command, click.Group) and left and not left[0].startswith("-") and left[0] != "NAME":
        found = command.get_command(context, left[0])
        assert found is not None, left[0]
        command, left = found, left[1:]
        context = click.Context(command, parent=context)
    known = {
        flag
        for parameter in command.get_params(context)
        for flag in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word for word in left if word.startswith("--")} <= known


def test_the_test_command_is_marked_for_the_ci() -> None:
    block = re.search(r"<!-- test command -->\n```bash\n(.*?)\n```", README.read_text(), flags=re.DOTALL)
    assert block is not None
    assert block[1].endswith("python -m pytest")
    assert "\n" not in block[1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_files_that_a_document_links_to_exist_and_its_toml_is_toml(document: Path) -> None:
    text = document.read_text()
    for content in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL):
        assert tomllib.loads(content)
    targets = re.findall(r"\]\(([^)#\s]+)", re.sub(r"`[^`]*`", "", text))
    missing = [
        target
        for target in targets
        if not target.startswith("http")
        and not (ROOT / "docs" / target[1:] if target[0] == "/" else document.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_external_links_are_whole_and_labels_of_threads_name_them(document: Path) -> None:
    text = document.read_text()
    links = re.findall(r"\]\((https?:[^)\s]*)", text) + re.findall(r"^\[[^]]+\]: (\S+)", text, flags=re.M)
    assert all(re.fullmatch(r"https://[\w-]+(\.[\w-]+)+/\S+", link) for link in links), links
    labels = set(re.findall(r"\[([\w-]+/[\w-]+#\d+)\](?!:)", text))
    defined = dict(re.findall(r"^\[([\w-]+/[\w-]+#\d+)\]: (\S+)", text, flags=re.M))
    assert defined == {label: f"https://github.com/{label.replace('#', '/issues/')}" for label in labels}


def test_the_readmes_results_are_those_of_the_committed_records() -> None:
    script = results_script()
    assert script.replaced(README.read_text()) == README.read_text(), "run: python docs/readme_results.py"


def test_the_readmes_results_leave_out_stores_and_runs_that_are_not_those_of_the_whole_suite() -> None:
    suite = load_suite("laptop")
    assert suite.budget is not None
    rows = [
        {"dataset": dataset, "fingerprint": store, "protocol": "corrected", "method": method}
        | {"selection": selection, "steps": steps}
        | {f"param.{name}": value for name, value in suite.parameters.get(method, {}).items()}
        for dataset, store, methods in (
            ("whole", "aa", suite.methods),
            ("whole", "bb", suite.methods[:1]),
            ("partly", "cc", suite.methods[:2]),
        )
        for method in methods
        for selection in ("last", "best")
        for steps in (suite.budget.steps, 2)
    ]
    shown = results_script().rows_of("laptop", suite, pd.DataFrame(rows))
    assert sorted(shown["method"]) == sorted(suite.methods)
    assert set(shown["fingerprint"]) == {"aa"}
    assert set(shown["selection"]) == {"last"}
    assert set(shown["steps"]) == {suite.budget.steps}


def results_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_results", ROOT / "docs" / "readme_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
