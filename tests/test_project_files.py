"""The files that install, cite and test the project agree with pyproject.toml."""

from __future__ import annotations

import os
import re
import subprocess
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


def test_the_citation_agrees_with_the_project() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]
    cited = {reference["title"] for reference in citation["references"]}
    assert len(cited) == len(citation["references"])
    assert all(reference["url"].startswith("https://arxiv.org/abs/") for reference in citation["references"])


def test_read_the_docs_builds_the_site_as_the_checks_do() -> None:
    config = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text())
    assert config["build"]["tools"]["python"] == PYTHONS[0]
    (install,) = config["build"]["jobs"]["install"]
    assert install.startswith("pip install -c constraints.txt ")
    assert install.endswith(" -e '.[docs]'")
    assert (ROOT / config["sphinx"]["configuration"]).is_file()
    assert config["sphinx"]["fail_on_warning"]
    assert "sphinx -W " in (ROOT / ".ci" / "run").read_text()


def test_only_a_tag_of_the_version_that_passes_all_checks_is_published() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    # YAML 1.1 reads the key "on" as True.
    assert workflow[True] == {"push": {"tags": ["v*"]}}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["pypi"]
    commands = [step["run"] for step in build["steps"] if "run" in step]
    assert commands[-1] == ".ci/run"
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"id-token": "write"}
    version = PROJECT["version"]
    for tag, status in ((f"v{version}", 0), (version, 1), (f"v{version}.1", 1)):
        environment = {**os.environ, "GITHUB_REF_NAME": tag}
        assert subprocess.run(["bash", "-ec", commands[0]], cwd=ROOT, env=environment).returncode == status


def test_every_workflow_and_configuration_is_checked_against_its_schema() -> None:
    checked = (ROOT / ".ci" / "run").read_text()
    forms = sorted(path.stem for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert f"/{{{','.join(form for form in forms if form != 'config')}}}.yml" in checked
    for file in (".github/workflows/*.yml", ".github/dependabot.yml", ".readthedocs.yaml", "CITATION.cff"):
        assert f" {file}\n" in checked
