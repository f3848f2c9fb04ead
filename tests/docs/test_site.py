"""What the site shows of the code, for pages that the build reads."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("sphinx", reason="needs the extra docs")

from infoseg_bench.contracts.registry import load_methods, load_recipes
from infoseg_bench.planning.suite import shipped_suites

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def from_code() -> ModuleType:
    spec = importlib.util.spec_from_file_location("from_code", DOCS / "_extensions" / "from_code.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_method_has_a_page_with_all_its_parameters_and_their_sources(from_code: ModuleType) -> None:
    for name, method in load_methods().methods.items():
        assert f"```{{parameters}} {name}\n" in (DOCS / "methods" / f"{name}.md").read_text()
        table = from_code.parameters(name).splitlines()
        for field, info in method.parameters_type.model_fields.items():
            (row,) = [line for line in table if line.startswith(f"| `{name}.{field}` |")]
            assert isinstance(info.json_schema_extra, dict)
            assert str(info.json_schema_extra["source"]).replace("*", "\\*") in row


def test_every_data_set_and_every_suite_is_listed(from_code: ModuleType) -> None:
    assert all(f"| `{name}` |" in from_code.dataset_list("") for name in load_recipes().recipes)
    assert all(f"| `{name}` |" in from_code.suites("") for name in shipped_suites())


def test_the_schema_is_that_of_a_record_with_its_fields_described(from_code: ModuleType) -> None:
    schema = json.loads(from_code.record_schema("").removeprefix("```json\n").removesuffix("\n```"))
    assert "provenance" in json.dumps(schema)
    assert "| `pixel_accuracy` | number |" in from_code.record_tables("")


def test_the_tutorial_is_a_notebook() -> None:
    jupytext = pytest.importorskip("jupytext", reason="needs the extra docs")
    notebook = jupytext.read(DOCS / "tutorial.md")
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert "fit(method, dataset)" in sources
    assert "!infoseg-bench verify" in sources
