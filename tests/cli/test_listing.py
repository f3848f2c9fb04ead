from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest
from click.testing import CliRunner, Result

from infoseg_bench.cli import main
from infoseg_bench.contracts.registry import load_methods, load_recipes
from infoseg_bench.datasets.synthetic_scenes.synthetic_scenes import SyntheticScenes, SyntheticScenesOptions
from infoseg_bench.utils.progress import no_progress
from tests.data.miniature import write_store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_store(tmp_path / "mini.h5")
    (tmp_path / "broken.h5").write_bytes(b"no store")
    return tmp_path


def listed(data: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["list", "--data", str(data), *words])


def facts(data: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(listed(data, "--json", *words).stdout)
    return found


def names(facts: list[dict[str, Any]]) -> set[str]:
    return {fact["name"] for fact in facts}


def test_everything_is_there_as_json_and_a_damaged_store_is_named(data: Path) -> None:
    found = facts(data)
    assert names(found["prepared"]) == {"mini"}
    assert names(found["datasets"]) == set(load_recipes().recipes)
    assert names(found["methods"]) == set(load_methods().methods)
    assert "broken.h5" in found["problems"][0]
    assert found["prepared"][0]["crop"] == 32
    (iic,) = [method for method in found["methods"] if method["name"] == "iic"]
    assert iic["budgets"]["coco-stuff"] == {"steps": 24_192, "evaluate_every": 864}


def test_a_data_set_in_two_stores_is_used_by_nobody_and_both_are_named(data: Path) -> None:
    (data / "copy.h5").write_bytes((data / "mini.h5").read_bytes())
    told = f"{data / 'copy.h5'} and {data / 'mini.h5'} contain the same data set, mini: move all but one"
    assert told in listed(data).stderr
    assert facts(data)["prepared"] == []
    run = ["run", "--dataset", "mini", "--method", "kmeans", "--data", str(data), "--dry-run"]
    done = CliRunner().invoke(main, run, catch_exceptions=False)
    assert done.exit_code == 1
    assert told in done.stderr


def test_data_sets_can_be_chosen_by_name_and_state(data: Path) -> None:
    assert names(facts(data, "--dataset", "potsdam")["datasets"]) == {"potsdam"}
    assert facts(data, "--dataset", "potsdam")["prepared"] == []
    assert facts(data, "--state", "prepared")["datasets"] == []
    assert "potsdam" not in listed(data, "--state", "prepared").output
    assert "mini" not in listed(data, "--state", "obtainable").output
    assert "unknown data set 'potsdm'" in listed(data, "--dataset", "potsdm").output


def test_a_method_is_shown_with_its_lengths(data: Path) -> None:
    assert "on potsdam: 2860 steps, evaluated every 143" in listed(data, "--method", "iic").output


def test_a_store_that_another_version_of_its_recipe_made_is_told_by_all_who_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = SyntheticScenesOptions(images=3, size=48, crop=16)
    path = SyntheticScenes().prepare(options, Path("data"), no_progress).store
    run = ["run", "--dataset", "synthetic-scenes", "--method", "kmeans", "--dry-run"]
    commands = (["list"], run, ["doctor"])
    said = (
        "made by version 1 of synthetic-scenes, and this is version 2: infoseg-bench prepare synthetic-scenes"
    )
    assert not any(said in CliRunner().invoke(main, command).output for command in commands)
    with h5py.File(path, "r+") as file:
        file.attrs["recipe_version"] = 1
    for command in commands:
        assert said in CliRunner().invoke(main, command).output
