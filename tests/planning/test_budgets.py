from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.contracts.registry import load_methods, load_recipes
from infoseg_bench.errors import UsageError
from infoseg_bench.planning.cost import evaluations
from infoseg_bench.planning.data import suite_and_data
from infoseg_bench.planning.plan import plan
from infoseg_bench.planning.selection import Selection, chosen_suite
from infoseg_bench.planning.suite import DEFAULT_BUDGET, Suite, load_suite, presets, read_suite
from infoseg_bench.records.spec import Budget

METHODS, RECIPES = load_methods(), load_recipes()
IIC, INFOSEG = METHODS.method("iic"), METHODS.method("infoseg")


def suite(**more: Any) -> Suite:
    grid = {"title": "t", "datasets": ["mine", "coco-stuff"], "methods": ["iic", "infoseg"], "seeds": [0, 1]}
    return Suite.model_validate({**grid, **more})


def test_a_later_rule_goes_before_an_earlier_one_key_by_key() -> None:
    rules = [
        {"steps": 400},
        {"methods": ["iic"], "evaluate_every": 7, "seeds": [5]},
        {"methods": ["iic"], "datasets": ["mine"], "steps": 60, "evaluate_every": 6},
    ]
    chosen = suite(budgets=rules)
    assert chosen.budget_of(INFOSEG, "mine") == Budget(steps=400, evaluate_every=20)
    assert chosen.budget_of(IIC, "coco-stuff") == Budget(steps=400, evaluate_every=7)
    assert chosen.budget_of(IIC, "mine") == Budget(steps=60, evaluate_every=6)
    assert (chosen.seeds_of("iic", "mine"), chosen.seeds_of("infoseg", "mine")) == ([5], [0, 1])


def test_the_methods_own_length_stands_where_nobody_gives_one() -> None:
    assert suite().budget_of(IIC, "coco-stuff") == Budget(steps=24_192, evaluate_every=864)
    assert suite().budget_of(IIC, "mine") == DEFAULT_BUDGET
    given = {"steps": 30, "evaluate_every": 10}
    assert suite(budget=given).budget_of(IIC, "coco-stuff") == Budget.model_validate(given)
    assert suite().budget_of(METHODS.method("kmeans"), "mine") is None


def test_the_command_line_goes_before_every_rule() -> None:
    selection = Selection(suite="paper", datasets=["coco-stuff"], methods=["iic"], steps=200, seeds=[7])
    chosen = chosen_suite(selection, [], METHODS, obtainable=RECIPES.recipes)
    assert chosen.budget_of(IIC, "coco-stuff") == Budget(steps=200, evaluate_every=10)
    assert chosen.seeds_of("iic", "coco-stuff") == [7]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("methods = ['iik']", "budgets.0.methods: unknown method 'iik'"),
        ("datasets = ['coco-stufff']", "budgets.0.datasets: unknown data set 'coco-stufff'"),
        ("stepz = 3", "budgets.0.stepz: unknown key 'stepz': did you mean steps"),
        ("steps = 0", "budgets.0.steps: Input should be greater than 0 (it is 0)"),
    ],
)
def test_a_mistake_in_a_rule_is_named_with_file_and_key(tmp_path: Path, rule: str, says: str) -> None:
    head = 'title = "t"\ndatasets = ["potsdam"]\nmethods = ["iic"]\nseeds = [0]\n'
    (tmp_path / "bad.toml").write_text(f"{head}[[budgets]]\n{rule}\n")
    with pytest.raises(UsageError) as raised:
        read_suite(str(tmp_path / "bad.toml")).check(METHODS, RECIPES.recipes)
    assert f"bad.toml: {says}" in str(raised.value)


@pytest.mark.parametrize("name", ["paper", "paper-published"])
def test_iic_is_trained_and_evaluated_as_in_its_logs(name: str) -> None:
    # Protocol 9: the published figure, the last logged one, and the interval of its evaluations.
    logged = {
        "coco-stuff": (6048, 24.2, 864), "coco-stuff-3": (8262, 33.0, 306),
        "potsdam": (572, 2.9, 143), "potsdam-3": (570, 3.1, 114),
    }  # fmt: skip
    for dataset, (best, last, every) in logged.items():
        budget = load_suite(name).budget_of(IIC, dataset)
        assert budget is not None
        assert (round(budget.steps / 1000, 1), budget.evaluate_every) == (last, every)
        assert best % every == budget.steps % every == 0


def test_ac_is_trained_for_the_epochs_of_its_unofficial_code() -> None:
    lengths = {"coco-stuff": 34.5, "coco-stuff-3": 24.4, "potsdam": 8.6, "potsdam-3": 8.6}
    for dataset, thousands in lengths.items():
        budget = load_suite("paper").budget_of(METHODS.method("ac"), dataset)
        assert budget is not None
        assert round(budget.steps / 1000, 1) == thousands
        assert budget.steps == 20 * budget.evaluate_every


def test_both_paper_suites_have_the_same_runs_but_for_the_quirks() -> None:
    first, second = load_suite("paper"), load_suite("paper-published")
    assert (first.datasets, first.methods, first.seeds) == (second.datasets, second.methods, second.seeds)
    assert first.budgets == second.budgets
    trained = {name for name in first.methods if METHODS.method(name).is_iterative}
    for suite in (first, second):
        assert {name for name, given in suite.parameters.items() if "precision" in given} == trained
        assert {given.get("precision", "bfloat16") for given in suite.parameters.values()} == {"bfloat16"}


def test_suites_without_rules_keep_the_budget_they_give(tmp_path: Path) -> None:
    assert load_suite("ablation").budget_of(INFOSEG, "coco-stuff-3") == Budget(
        steps=50_000, evaluate_every=1_000
    )


def test_the_paper_suite_is_planned_before_anything_is_prepared(tmp_path: Path) -> None:
    selection = Selection(everything=True, suite="paper-published")
    found = suite_and_data(selection, METHODS, RECIPES, {}, tmp_path / "none", progress=None)
    specs = plan(found.suite, found.outlines, METHODS)
    assert len(specs) == 5 * 8 * 3
    assert {spec.fingerprint for spec in specs} == {""}
    assert found.needs.keys() == set(found.suite.datasets)
    scored = {name: outline.scored for name, outline in found.outlines.items()}
    assert scored == {
        "coco-persons": 15_399, "coco-stuff": 51_804, "coco-stuff-3": 36_660, "potsdam": 5_400,
        "potsdam-3": 5_400,
    }  # fmt: skip
    assert found.outlines["potsdam-3"].task.channels == 4
    assert not (tmp_path / "none").exists()


def test_what_only_its_files_can_tell_has_to_be_prepared(tmp_path: Path) -> None:
    selection = Selection(datasets=["image-folder"], methods=["kmeans"])
    with pytest.raises(UsageError, match="prepare image-folder"):
        suite_and_data(selection, METHODS, RECIPES, {}, tmp_path, progress=None)


def test_a_setting_of_a_method_that_is_not_run_is_refused() -> None:
    selection = Selection(datasets=["potsdam"], methods=["kmeans"], parameters={"iic": {"lr": 1e-4}})
    with pytest.raises(UsageError, match=r"iic\.lr=0.0001: iic is not among the methods"):
        chosen_suite(selection, [], METHODS, obtainable=RECIPES.recipes)


def test_a_preset_brings_parameters_and_length_and_gives_way_to_what_is_said() -> None:
    (name, shipped), *_ = presets().items()
    selection = Selection(
        datasets=["mine"], methods=["infoseg", "iic"], preset=name, parameters={"infoseg": {"P": 99}}
    )
    chosen = chosen_suite(selection, ["mine"], METHODS, obtainable=RECIPES.recipes)
    assert chosen.budget_of(INFOSEG, "mine") == shipped.budget_of(INFOSEG, "mine")
    assert chosen.parameters["iic"] == shipped.parameters["iic"]
    assert chosen.parameters["infoseg"] == {**shipped.parameters["infoseg"], "P": 99}
    # What the suite asks for on a GPU is slow on a laptop.
    selection = Selection(suite="paper", datasets=["mine"], methods=["infoseg", "iic"], preset=name)
    paper = chosen_suite(selection, ["mine"], METHODS, obtainable=RECIPES.recipes)
    assert {paper.parameters[method]["precision"] for method in ("infoseg", "iic")} == {"float32"}
    with pytest.raises(UsageError, match=f"unknown preset 'tiny': known: {name}"):
        chosen_suite(
            Selection(datasets=["mine"], methods=["iic"], preset="tiny"), ["mine"], METHODS, obtainable=()
        )


def test_evaluations_are_counted_with_the_first_and_the_last() -> None:
    assert evaluations(Budget(steps=100, evaluate_every=10)) == 11
    assert evaluations(Budget(steps=100, evaluate_every=10), done=40) == 6
    assert evaluations(Budget(steps=95, evaluate_every=10)) == 11
    assert evaluations(Budget(steps=5, evaluate_every=10)) == 2


def test_what_is_named_twice_is_run_once() -> None:
    suite = Suite(title="t", datasets=["a", "a"], methods=["kmeans", "kmeans"], seeds=[0, 1, 0])
    assert (suite.datasets, suite.methods, suite.seeds) == (["a"], ["kmeans"], [0, 1])


def test_a_misspelt_key_is_named_before_the_one_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('title = "t"\ndatasets = ["a"]\nmethods = ["iic"]\nseed = [0]\n')
    with pytest.raises(UsageError, match=r"s\.toml: seed: unknown key 'seed': did you mean seeds"):
        read_suite(str(tmp_path / "s.toml"))
