from __future__ import annotations

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.contracts import Method
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.errors import UsageError
from infoseg_bench.planning.suite import load_suite, shipped_suites
from infoseg_bench.reporting.published_figures import published_figures


@pytest.mark.parametrize("name", shipped_suites())
def test_parameters_of_a_shipped_suite_are_known_and_valid(name: str) -> None:
    suite, methods = load_suite(name), load_methods().methods
    assert set(suite.parameters) <= set(suite.methods)
    for method in set(suite.methods) & set(methods):
        for dataset in suite.datasets:
            methods[method].resolve(dataset, suite.parameters.get(method, {}))


def test_the_paper_suite_has_every_method_and_data_set_of_table_1() -> None:
    suite = load_suite("paper")
    assert {(method, dataset) for method in suite.methods for dataset in suite.datasets} >= set(
        published_figures().index
    )
    assert suite.protocol == "corrected"
    # The paper's settings are InfoSeg's defaults.
    assert (
        suite.parameters["infoseg"]
        == {"precision": "bfloat16"}
        == load_suite("ablation").parameters["infoseg"]
    )


def needs_nothing(method: type[Method]) -> bool:
    try:
        method.check_given(method.resolve("", {}))
    except UsageError:
        return False
    return True


def test_the_demo_has_every_method_that_needs_no_file_with_the_sizes_of_the_laptop_suite() -> None:
    demo, laptop = load_suite("demo"), load_suite("laptop")
    methods = {name for name, method in load_methods().methods.items() if needs_nothing(method)}
    assert set(demo.methods) == set(laptop.methods) == methods
    assert demo.parameters == laptop.parameters
    assert load_suite("ablation-laptop").parameters["infoseg"] == laptop.parameters["infoseg"]


def test_every_method_of_the_laptop_suite_sees_as_many_images() -> None:
    suite, methods = load_suite("laptop"), load_methods().methods
    trained = [name for name in suite.methods if methods[name].is_iterative]
    assert len(trained) == 6
    assert {suite.parameters[name]["batch"] for name in trained} == {32}


def test_rates_of_the_laptop_suite_grow_as_widths_shrink() -> None:
    suite, methods = load_suite("laptop"), load_methods().methods
    for name in (name for name in suite.methods if methods[name].is_iterative):
        default, chosen = methods[name].parameters_type().model_dump(), suite.parameters[name]
        factor = default["width"] / chosen["width"]
        assert chosen["lr"] == pytest.approx(factor * default["lr"]), name


def test_as_released_differs_from_corrected_in_every_switch_of_the_baselines() -> None:
    suite, methods = load_suite("paper-published"), load_methods().methods
    assert suite.protocol == "published"
    for method in ("doersch", "isola", "iic"):
        corrected = methods[method].resolve("coco-stuff", {})
        released = methods[method].resolve("coco-stuff", suite.parameters[method])
        switches = {name for name, value in corrected.model_dump().items() if value == "corrected"}
        assert switches
        assert {name for name in switches if getattr(released, name) == "published"} == switches
        assert methods[method].label_use(corrected) is None
        assert methods[method].label_use(released) == "mask"


def test_help_names_every_shipped_suite() -> None:
    # Lines are broken at hyphens too.
    text = " ".join(CliRunner().invoke(main, ["run", "--help"]).output.split()).replace("- ", "-")
    assert f"A shipped suite ({', '.join(shipped_suites())})" in text
