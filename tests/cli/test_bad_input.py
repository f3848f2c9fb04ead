from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from tests.cli.commands import launched_here, prepare_photos


def failing(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(words), catch_exceptions=False)
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bad-input")
    prepare_photos(path, count=3)
    return path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--dataset", "mien", "--method", "kmeans"], "did you mean mine"),
        (["run", "--dataset", "mine", "--method", "k-means"], "did you mean kmeans"),
        (["run", "--dataset", "coco-persons", "--method", "kmeans"], "infoseg-bench prepare coco-persons"),
        (
            ["run", "--dataset", "mine", "--method", "kmeans", "--set", "kmeans.sampel=3"],
            "did you mean sample",
        ),
        (["run", "--dataset", "mine", "--method", "kmeans", "--set", "kmeans.sample=-3"], "kmeans.sample=-3"),
        (["run", "--dataset", "mine", "--method", "kmeans", "--set", "sample=3"], "METHOD.PARAMETER=VALUE"),
        (
            ["run", "--dataset", "mine", "--method", "kmeans", "--set", "kmaens.sample=3"],
            "did you mean kmeans",
        ),
        (["run", "--dataset", "mine", "--method", "kmeans", "--seeds", "one"], "--seeds one"),
        (["run", "--dataset", "mine", "--method", "kmeans", "--seeds", "3-1"], "empty"),
        (["run", "--dataset", "mine", "--method", "kmeans", "--steps", "0"], "--steps"),
        (["run", "--dataset", "mine", "--method", "kmeans", "--protocol", "publihsed"], "publihsed"),
        (["run", "--dataset", "mine", "--method", "kmeans", "--device", "tpu9"], "--device tpu9"),
        (["run"], "nothing chosen"),
        (["run", "--all", "--suite", "dmeo"], "did you mean demo"),
        (["run", "--all", "--suite", "none.toml"], "none.toml"),
        (["prepare", "coco-person"], "did you mean coco-persons"),
        (["list", "--method", "infosegg"], "did you mean infoseg"),
    ],
)
def test_a_wrong_word_is_named_with_a_remedy_and_status_two(
    folder: Path, words: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    status, output = failing(*words)
    assert says in output
    assert status == 2
    assert "Traceback" not in output
    assert not (folder / "results").exists()


SUITE = 'title = "x"\ndatasets = ["mine"]\nmethods = ["kmeans"]\nseeds = [0]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SUITE.replace("[0]", '"all"'), "bad.toml: seeds: "),
        (SUITE + "sedes = [1]\n", "bad.toml: sedes: unknown key 'sedes': did you mean seeds"),
        (SUITE + '# the length\n[budget]\nsteps = "long"\nevaluate_every = 1\n', "bad.toml: budget.steps: "),
        (SUITE + "[budget]\nstep = 3\nsteps = 3\nevaluate_every = 1\n", "bad.toml: budget.step: unknown key"),
        (SUITE + "[budget]\nsteps = 3\n", "bad.toml: budget.evaluate_every: Field required"),
        (
            SUITE.replace("kmeans", "kmaens"),
            "bad.toml: methods: unknown method 'kmaens': did you mean kmeans",
        ),
        (SUITE.replace("mine", "mien"), "bad.toml: datasets.0: unknown data set 'mien': did you mean mine"),
        (
            SUITE + "[parameters.kmeans]\n\nsampel = 3\n",
            "bad.toml: parameters.kmeans.sampel: unknown parameter of kmeans 'sampel': did you mean sample",
        ),
        (SUITE + "parameters.kmeans.sample = -3\n", "bad.toml: parameters.kmeans.sample: kmeans.sample=-3"),
        (
            SUITE + "[[variants.infoseg]]\ntau = 1.0\n[[variants.infoseg]]\ntaw = 1.0\n",
            "bad.toml: variants.infoseg.1.taw: unknown parameter of infoseg",
        ),
        ("title = \n", "line 1"),
    ],
)
def test_a_mistake_in_a_suite_file_is_named_with_file_and_key(
    folder: Path, text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "bad.toml").write_text(text)
    status, output = failing("run", "--all", "--suite", "bad.toml")
    assert status == 2
    assert "suite bad.toml" in output
    assert says in output


def test_with_nothing_prepared_the_data_sets_are_listed_and_the_demo_is_offered(tmp_path: Path) -> None:
    done = launched_here(tmp_path, "run", "--all")
    assert done.returncode == 2
    for name in ("coco-persons", "image-folder", "synthetic-scenes"):
        assert f"infoseg-bench prepare {name}" in done.stdout
    assert "infoseg-bench run --all --suite demo" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["report", "status"])
def test_a_results_folder_without_runs_is_named(command: str, tmp_path: Path) -> None:
    status, output = failing(command, "--results", str(tmp_path))
    assert status == 1
    assert str(tmp_path) in output


def test_label_maps_cannot_be_scored_on_data_without_labels(folder: Path) -> None:
    words = ["prepare", "image-folder", "--name", "bare", "--images", "photos", "--clusters", "2"]
    assert launched_here(folder, *words, "--data", "bare-data").returncode == 0
    done = launched_here(
        folder, "evaluate", "--dataset", "bare", "--predictions", "labels", "--data", "bare-data"
    )
    assert done.returncode == 1
    assert "bare: no photo to score: prepare it again with labels" in done.stderr
    assert "Traceback" not in done.stderr
