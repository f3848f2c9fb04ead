"""What every data set recipe must be, shipped or not; run on each one that is registered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.contracts.registry import load_recipes

RECIPES = load_recipes().recipes

every_recipe = pytest.mark.parametrize("name", sorted(RECIPES))


@every_recipe
def test_name_title_licence_and_the_way_to_get_it_are_there(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.title
    assert recipe.licence
    assert f"infoseg-bench prepare {name}" in recipe.how_to_get


@every_recipe
def test_every_option_says_what_it_does_and_where_its_default_comes_from(name: str) -> None:
    for option, field in RECIPES[name].options_type.model_fields.items():
        assert field.description, option
        if not field.is_required():
            extra = field.json_schema_extra
            assert isinstance(extra, dict), option
            assert extra.get("source"), option


@every_recipe
def test_its_help_names_every_option(name: str) -> None:
    result = CliRunner().invoke(main, ["prepare", name, "--help"], catch_exceptions=False)
    assert result.exit_code == 0
    for option in RECIPES[name].options_type.model_fields:
        assert f"--{option.replace('_', '-')}" in result.output


@every_recipe
def test_a_recipe_is_embedded_or_names_its_archives_or_asks_for_the_users_files(name: str) -> None:
    required = [field for field in RECIPES[name].options_type.model_fields.values() if field.is_required()]
    assert [RECIPES[name].embedded, bool(RECIPES[name].sources), bool(required)].count(True) == 1
    assert not RECIPES[name].sources or "source" in RECIPES[name].options_type.model_fields


def test_recipes_are_loaded_without_torch() -> None:
    code = (
        "import sys, infoseg_bench.contracts.registry as r; r.load_recipes(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_broken_plug_in_leaves_the_help_of_the_others_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('by design')\n")
    words = ["prepare", "--plugin", str(tmp_path / "broken.py"), "--help"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0
    for name in RECIPES:
        assert name in result.output
