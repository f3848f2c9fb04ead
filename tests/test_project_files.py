"""The files that install, cite and test the project agree with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = [
    classifier.rpartition(" ")[2]
    for classifier in PROJECT["classifiers"]
    if re.search(r":: 3\.\d+$", classifier)
]


def required(*extras: str) -> list[Requirement]:
    """Return what the project and its extras need, without extras that are made of others."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    return [Requirement(line) for line in lines if not line.startswith("infoseg-bench")]


def pins(file: str) -> dict[str, Version]:
    lines = (ROOT / file).read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def lower_bound(need: Requirement) -> Version:
    (bound,) = [Version(each.version) for each in need.specifier if each.operator == ">="]
    return bound


def test_the_oldest_tested_versions_are_the_lower_bounds() -> None:
    oldest = pins("constraints-minimum.txt")
    for need in required(*(extra for extra in EXTRAS if extra not in ("docs", "dev"))):
        bound, pin = lower_bound(need).release, oldest[canonicalize_name(need.name)]
        assert pin.release[: len(bound)] == bound, f"{need} is tested with {pin}"


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_tested_versions_are_allowed_and_complete(extra: str) -> None:
    tested = pins("constraints.txt")
    for need in required(extra):
        assert need.specifier.contains(tested[canonicalize_name(need.name)]), need


def test_the_conda_environment_installs_the_project_with_its_tested_versions() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    *conda, pip = environment["dependencies"]
    # All else comes with the project, so the bounds are those of pyproject.toml.
    assert conda == [f"python={PYTHONS[0]}", "pip"]
    assert pip == {"pip": ["-c constraints.txt", "-e .[dev]"]}


def test_all_documents_and_workflows_name_the_same_pythons() -> None:
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    assert workflow["jobs"]["pythons"]["strategy"]["matrix"]["python"] == PYTHONS
    for document in ("README.md", "docs/install.md"):
        assert f"You need Python {PYTHONS[0]} to {PYTHONS[-1]} " in (ROOT / document).read_text()


def test_the_citation_has_what_its_format_requires_and_agrees_with_the_project() -> None:
    # Required keys: the schema of the Citation File Format 1.2.0.
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert all(citation[key] for key in ("message", "title", "authors"))
    assert citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]
    for reference in citation["references"]:
        assert all(reference[key] for key in ("type", "title", "authors", "year", "url"))


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.name
)
def test_issue_forms_have_what_the_format_requires(form: Path) -> None:
    content = yaml.safe_load(form.read_text())
    if form.name == "config.yml":
        assert "blank_issues_enabled" in content
        return
    assert all(content[key] for key in ("name", "description", "body"))
    questions = [item for item in content["body"] if item["type"] != "markdown"]
    assert all(item["attributes"]["label"] for item in questions)
    assert len({item["id"] for item in questions}) == len(questions)
