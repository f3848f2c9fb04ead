"""Every check of the contract fails on a method that breaks it, and the command says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.errors import UsageError
from infoseg_bench.method_checks.check import do_checks
from infoseg_bench.method_checks.contract import CHECKS
from infoseg_bench.method_checks.scaffold import write_method
from infoseg_bench.method_checks.subject import Subject

BREAKS = {
    "name, title and citation are given": ('= "not published"', '= ""'),
    "the highest score is that of": (
        "return self._probabilities(images)",
        "return self._probabilities(images) * float('nan')",
    ),
    "every parameter has a description": ('source="chosen by this project", ge=0)', 'source="", ge=0)'),
    "defaults and presets are valid": (
        "    def build",
        '    presets = {"mini": {"no": 1}}\n\n    def build',
    ),
    "pre-trained weights are named": (
        "    def build",
        "    pretrained = classmethod(lambda cls, parameters: 'DINO')\n\n    def build",
    ),
    "predicted clusters have the size": (
        "return self._probabilities(images)",
        "return self._probabilities(images)[:, :, 1:]",
    ),
    "images with four channels": ("self.task.channels, width", "3, width"),
    "the fit cannot reach any label": (
        "        width = self.parameters.width\n",
        "        import gc\n"
        "        self.seen = [a for a in gc.get_objects() if type(a).__name__ == 'StoreArrays']\n"
        "        width = self.parameters.width\n",
    ),
    "the same seed gives the same clusters": ("light = 1 +", "light = __import__('random').random() +"),
    "a fit resumed from its state": (
        "def build",
        "def state(self): return {**super().state(), 'step': 0}\n\n    def build",
    ),
    "the prediction of an image does not depend": (
        "return self._probabilities(images)",
        "return self._probabilities(images) - self._probabilities(images).mean(0)",
    ),
    "mixed precision gives nearly the same loss": ('"loss": -information', '"loss": -information.bfloat16()'),
    "a training step does not synchronise": (
        '"loss": -information',
        '"loss": -information + 0 * float(information)',
    ),
}  # fmt: skip
"""Beginning of a check's title to what breaks it in the scaffold."""


def load(path: Path) -> Subject:
    registry = load_methods([path])
    assert str(path) not in registry.broken, registry.broken
    return Subject(cls=registry.methods["broken"], folder=path.parent, settings={"width": 4})


@pytest.mark.parametrize("title", BREAKS)
def test_a_check_fails_on_a_method_that_breaks_it(tmp_path: Path, title: str) -> None:
    path = write_method("broken", tmp_path / f"broken_{len(title)}_{title[:5].strip(', ')}.py")
    old, new = BREAKS[title]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    (check,) = [check for check in CHECKS if check.title.startswith(title)]
    (outcome,) = do_checks(load(path), [check])
    assert outcome.ending == "failed"
    assert outcome.reason
    assert "\n" not in outcome.reason


def test_defaults_that_their_own_rules_forbid_are_found(tmp_path: Path) -> None:
    path = write_method("broken", tmp_path / "broken_default.py")
    text = path.read_text()
    assert "ge=0)" in text
    path.write_text(text.replace("ge=0)", "ge=10_000)", 1))
    (check,) = [check for check in CHECKS if check.title.startswith("defaults and presets are valid")]
    (outcome,) = do_checks(load(path), [check])
    assert outcome.ending == "failed"


def test_an_error_of_every_step_fails_one_check_and_names_no_other_remedy(tmp_path: Path) -> None:
    path = write_method("broken", tmp_path / "broken_loss.py")
    text = path.read_text()
    assert '"loss": -information' in text
    path.write_text(text.replace('"loss": -information', '"loss": 1 / 0'))
    outcomes = [outcome for outcome in do_checks(load(path), CHECKS) if outcome.ending != "ok"]
    assert [outcome.reason for outcome in outcomes if outcome.ending == "failed"] == [
        "ZeroDivisionError: division by zero"
    ]
    assert {outcome.reason for outcome in outcomes[1:]} == {"it raises the error above"}


@pytest.mark.parametrize("name", ["Bright Ness", "a/b", "a--b", ""])
def test_a_method_whose_name_cannot_be_a_folder_is_not_loaded(tmp_path: Path, name: str) -> None:
    path = write_method("broken", tmp_path / f"broken_name_{len(name)}.py")
    path.write_text(path.read_text().replace('= "broken"', f"= {name!r}", 1))
    registry = load_methods([path])
    assert "is no name: use lower-case letters" in registry.broken[str(path)]
    with pytest.raises(UsageError, match=r"unknown method 'broken'.*--plugin FILE; .*cannot be loaded"):
        registry.method("broken")


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_the_command_ends_with_status_one_and_says_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("new", "method", "half-done")[0] == 0
    path = Path("half_done.py")
    assert len(path.read_text().splitlines()) < 100
    wrong = "    def predict(self, images):\n        return super().predict(images) + 3\n\n    def build"
    path.write_text(path.read_text().replace("    def build", wrong))
    status, output = call("check", "half_done.py", "--set", "half-done.width=4")
    assert status == 1
    assert "with K = 3 -> let predict return int64" in output
    assert re.search(r"^ok +the fit does not depend on labels", output, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["new", "method", "My Method"], "use lower-case letters"),
        (["new", "method", "kmeans"], "is taken"),
        (["new", "method", "external-x"], "is reserved"),
        (["new", "method", "class"], "is reserved"),
        (["new", "method", "there"], "this file exists"),
        (["new", "method", "x", "--out", "x.txt"], "ends in .py"),
        (["check", "kmaens"], "did you mean kmeans"),
        (["check", "absent.py"], "no such file"),
        (["check", "there.py"], "no method in this file"),
        (["check", "kmeans", "--set", "kmeans.sampel=1"], "did you mean sample"),
    ],
)
def test_a_wrong_word_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.py").write_text("")
    status, output = call(*words)
    assert status == 2
    assert says in output


def test_a_file_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import no_such_module_anywhere\n")
    status, output = call("check", str(tmp_path / "bad.py"))
    assert status == 1
    assert "no_such_module_anywhere" in output
