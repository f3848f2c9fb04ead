from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.cli.run import run
from infoseg_bench.contracts.method_source import source_hash
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.records.spec import Budget, RunSpec
from tests.data.miniature import make_view, random_photos, write_photos

PLUGIN = Path(__file__).parents[1] / "runs" / "failing_method.py"

BASE: dict[str, Any] = {
    "dataset": "mini",
    "fingerprint": "ab" * 32,
    "protocol": "corrected",
    "method": "infoseg",
    "method_version": 1,
    "parameters": {"lr": 1e-4, "P": 1024},
    "budget": {"steps": 10, "evaluate_every": 5},
    "seed": 0,
    "postprocess": "none",
}


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "other"},
        {"fingerprint": "cd" * 32},
        {"protocol": "published"},
        {"method": "iic"},
        {"method_version": 2},
        {"parameters": {"lr": 2e-4, "P": 1024}},
        {"budget": {"steps": 11, "evaluate_every": 5}},
        {"budget": {"steps": 10, "evaluate_every": 2}},
        {"budget": None},
        {"seed": 1},
        {"postprocess": "mirror"},
    ],
)
def test_whatever_changes_a_result_changes_the_identity(change: dict[str, Any]) -> None:
    base, other = RunSpec(**BASE), RunSpec(**{**BASE, **change})
    assert other.identity != base.identity
    assert other.folder != base.folder
    assert (other.row == base.row) == ("seed" in change)


def test_the_identity_does_not_depend_on_the_order_of_parameters_and_survives_the_file() -> None:
    one = RunSpec(**BASE)
    other = RunSpec(**{**BASE, "parameters": {"P": 1024, "lr": 1e-4}})
    assert one.identity == other.identity
    assert RunSpec.model_validate_json(one.model_dump_json()).identity == one.identity


def test_a_changed_copy_of_a_spec_has_an_identity_of_its_own() -> None:
    one = RunSpec(**BASE)
    assert one.identity == RunSpec(**BASE).identity
    assert one.model_copy(update={"seed": 1}).identity == RunSpec(**{**BASE, "seed": 1}).identity


def test_the_identity_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert RunSpec(**BASE).identity == "a4615b724f3982f5"


def test_no_post_processing_is_left_out_of_the_file() -> None:
    assert "postprocess" not in RunSpec(**BASE).model_dump_json()
    mirrored = RunSpec(**{**BASE, "postprocess": "mirror"})
    assert RunSpec.model_validate_json(mirrored.model_dump_json()) == mirrored


def test_a_budget_without_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Budget(steps=0, evaluate_every=1)


DOES_NOT_CHANGE = [
    ["--device", "cpu"],
    ["--jobs", "2"],
    ["--jobs", "auto"],
    ["--gpus-per-run", "2"],
    ["--compile"],
    ["--cuda-graph"],
    ["--report"],
    ["--force"],
    ["--retries", "0"],
    ["--time-limit", "5"],
    ["--silence-limit", "5"],
    ["--engine", "slurm"],
    ["--engine", "slurm", "--slurm", "gpus=2"],
    ["--engine", "ray", "--ray", "gpus=0.5", "--ray-address", "auto"],
    ["--tensorboard", "events"],
    ["--log", "csv"],
    ["--snapshots", "2"],
    ["--results", "elsewhere"],
    ["--out", "board"],
    ["--data", "moved"],
    ["--plugin", "plugin.py"],
    ["--set", "infoseg.tau=0.8"],
]
"""Words after which the same runs are planned; the last gives a parameter its default."""
CHANGES = [
    ["--dataset", "other"],
    ["--method", "kmeans"],
    ["--seeds", "1"],
    ["--steps", "5"],
    ["--evaluate-every", "2"],
    ["--protocol", "published"],
    ["--set", "infoseg.tau=0.7"],
    ["--preset", "small"],
    ["--postprocess", "mirror"],
]
"""Words after which other runs are."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("identity")
    for data, names in (("data", ("mini", "other")), ("moved", ("mini",))):
        (path / data).mkdir()
        for name in names:
            photos = random_photos()
            view = replace(make_view(photos), name=name)
            tables = {**view.tables, "published": next(iter(view.tables.values()))}
            write_photos(path / data / f"{name}.h5", photos, [replace(view, tables=tables)])
    (path / "plugin.py").write_text("")
    return path


def identities(folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> list[str]:
    """Plan as `run` does, and give what it has planned."""
    monkeypatch.chdir(folder)
    planned = list[str]()

    def look(specs: Any, results: Any, source_of: Any, **options: Any) -> list[Any]:
        planned.extend(spec.identity for spec in specs)
        return []

    monkeypatch.setattr("infoseg_bench.api.running.look", look)
    base = ["run", "--dry-run", "--steps", "4"]
    base += [] if "--dataset" in words else ["--dataset", "mini"]
    base += [] if "--method" in words else ["--method", "infoseg"]
    done = CliRunner().invoke(main, [*base, *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return planned


@pytest.mark.parametrize("words", DOES_NOT_CHANGE, ids=" ".join)
def test_words_that_change_no_result_change_no_identity(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    assert identities(folder, monkeypatch, words) == identities(folder, monkeypatch, [])


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_words_that_change_a_result_change_the_identity(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    found = identities(folder, monkeypatch, words)
    assert len(found) == 1
    assert found != identities(folder, monkeypatch, [])


def test_every_word_of_run_is_in_one_of_the_lists() -> None:
    listed = {word for words in DOES_NOT_CHANGE + CHANGES for word in words if word.startswith("--")}
    # These say which runs are planned, not what one is.
    chooses = {"--all", "--suite", "--dry-run"}
    assert {option.opts[0] for option in run.params} == listed | chooses


@pytest.mark.parametrize("name", sorted(load_methods().methods))
def test_every_parameter_of_every_method_is_part_of_the_identity(name: str) -> None:
    values = load_methods().methods[name].resolve("mini", {}).model_dump(mode="json")
    base = RunSpec(**{**BASE, "parameters": values})
    for parameter in values:
        other = RunSpec(**{**BASE, "parameters": {**values, parameter: "another"}})
        assert other.identity != base.identity, parameter


def test_every_field_of_a_spec_is_tried_above() -> None:
    assert set(BASE) == set(RunSpec.model_fields)


def test_a_plugins_source_counts_and_its_place_does_not(tmp_path: Path) -> None:
    hashes = []
    for place, text in (("a", ""), ("b", ""), ("c", "\n# another\n")):
        (tmp_path / place).mkdir()
        file = tmp_path / place / f"method_{place}.py"
        file.write_text(PLUGIN.read_text() + text)
        hashes.append(source_hash(load_methods([file]).method("raising")))
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_source_of_a_method_is_its_own_and_not_that_of_others() -> None:
    hashes = [source_hash(method) for method in load_methods().methods.values()]
    assert all(hashes)
    assert len(set(hashes)) == len(hashes)
