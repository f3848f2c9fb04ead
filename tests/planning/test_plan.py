from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.errors import UserError
from infoseg_bench.planning.plan import plan
from infoseg_bench.planning.suite import Suite
from infoseg_bench.records.spec import RunSpec
from tests.data.miniature import write_store

FAILING = Path(__file__).parents[1] / "runs" / "failing_method.py"


def planned(folder: Path, classes: int = 3, **suite: Any) -> list[RunSpec]:
    write_store(folder / "mini.h5", classes=classes)
    words = {"title": "t", "datasets": ["mini"], "methods": ["kmeans", "infoseg"], "seeds": [0, 1]}
    return plan(Suite.model_validate({**words, **suite}), prepared_datasets(folder)[0], load_methods([]))


def test_every_variant_of_a_method_is_run_with_every_seed_on_top_of_the_suites_parameters(
    tmp_path: Path,
) -> None:
    variants = [{}, {"tau": 2.0}, {"P": 16, "lr": 0.5}]
    specs = planned(tmp_path, parameters={"infoseg": {"lr": 0.1}}, variants={"infoseg": variants})
    infoseg = [spec for spec in specs if spec.method == "infoseg"]
    assert len(specs) - len(infoseg) == 2
    assert [(spec.parameters["tau"], spec.parameters["lr"], spec.seed) for spec in infoseg] == [
        (0.8, 0.1, 0), (0.8, 0.1, 1), (2.0, 0.1, 0), (2.0, 0.1, 1), (0.8, 0.5, 0), (0.8, 0.5, 1),
    ]  # fmt: skip
    assert len({spec.identity for spec in specs}) == len(specs)


def test_variants_of_an_unknown_method_or_parameter_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown method 'infosg': did you mean infoseg"):
        planned(tmp_path, variants={"infosg": [{}]})
    with pytest.raises(UserError, match="unknown parameter of infoseg 'taw'"):
        planned(tmp_path, variants={"infoseg": [{"taw": 1}]})


def test_a_method_without_scores_is_not_post_processed(tmp_path: Path) -> None:
    registry = load_methods([FAILING])
    write_store(tmp_path / "mini.h5", classes=3)
    words = {"title": "t", "datasets": ["mini"], "methods": ["raising"], "seeds": [0]}
    suite = Suite.model_validate({**words, "postprocess": "mirror"})
    with pytest.raises(UserError, match="--postprocess mirror: raising gives clusters without scores"):
        plan(suite, prepared_datasets(tmp_path)[0], registry)


def test_one_class_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mini: K = 1"):
        planned(tmp_path, classes=1)
