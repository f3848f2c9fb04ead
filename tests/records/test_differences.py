"""Names that tell runs shown together apart."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infoseg_bench.records.differences import Differences
from infoseg_bench.records.spec import Budget, RunSpec

SETTINGS = st.fixed_dictionaries(
    {}, optional={"tau": st.sampled_from([0.3, 0.8]), "flip": st.booleans(), "P": st.integers(1, 3)}
)


def run(parameters: dict[str, Any], **changes: Any) -> RunSpec:
    spec = RunSpec(
        dataset="mine", fingerprint="ab" * 32, protocol="corrected", method="infoseg", method_version=1,
        parameters=parameters, budget=Budget(steps=400, evaluate_every=10), seed=0,
    )  # fmt: skip
    return spec.model_copy(update=changes)


@given(st.lists(SETTINGS, min_size=1, max_size=8))
def test_runs_have_the_same_name_only_if_they_differ_in_nothing(rows: list[dict[str, Any]]) -> None:
    specs = [run(parameters) for parameters in rows]
    label = Differences.among(specs).label
    assert len({label(spec) for spec in specs}) == len({spec.identity for spec in specs})


def test_seeds_and_settings_that_all_share_are_not_told() -> None:
    specs = [run({"tau": 0.8}, seed=seed) for seed in range(3)]
    assert Differences.among(specs).label(specs[2]) == "mine infoseg seed 2"


def test_post_processing_is_told_even_where_all_have_it() -> None:
    specs = [run({"tau": tau}, postprocess="mirror") for tau in (0.3, 0.8)]
    text = Differences.among([*specs, run({"tau": 0.3})]).text
    assert text(specs[1]) == "tau=0.8, postprocess=mirror"
    assert text(run({"tau": 0.3})) == ""
    assert Differences.among(specs[:1]).text(specs[0]) == "postprocess=mirror"


def test_only_what_is_unusual_is_told() -> None:
    usual = [run({"tau": 0.8, "P": P}) for P in (1, 2, 3)]
    odd = run({"tau": 0.3, "P": 3})
    differences = Differences.among([*usual, odd])
    assert differences.text(usual[0]) == "P=1"
    assert differences.text(odd) == "tau=0.3, P=3"


def test_a_parameter_that_older_runs_lack_is_told_of_those_only_if_nothing_else_is() -> None:
    old = [run({"tau": tau}) for tau in (0.3, 0.8)]
    new = [run({"tau": 0.5, "pooling": "average"}), run({"tau": 0.3, "pooling": "average"})]
    words = [Differences.among([*old, *new]).text(spec) for spec in (*old, *new)]
    assert words == ["tau=0.3, pooling=unset", "tau=0.8", "tau=0.5", "tau=0.3, pooling=average"]


def test_other_methods_and_data_sets_have_no_say() -> None:
    specs = [run({"tau": 0.8}), run({"tau": 0.3}, dataset="other"), run({"tau": 0.5}, method="iic")]
    assert [Differences.among(specs).text(spec) for spec in specs] == ["", "", ""]


def test_protocol_budget_and_data_are_told_where_they_differ() -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"protocol": "published"},
        {"budget": Budget(steps=9, evaluate_every=10)},
        {"fingerprint": "cd" * 32},
    )
    specs = [run({}, **change) for change in changes]
    words = [Differences.among(specs).text(spec) for spec in specs]
    assert words == ["", "protocol=published", "steps=9", "data=cdcdcdcd"]
