from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.records.folder import RunFolder
from tests.data.miniature import write_store
from tests.launchers.test_watch import SPEC


def completed(*words: str) -> list[str]:
    """Return what a shell offers for the last word."""
    complete = ShellComplete(main, {}, "infoseg-bench", "_INFOSEG_BENCH_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


def test_the_shell_completes_methods_data_sets_suites_presets_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    write_store(tmp_path / "data" / "mini.h5")
    RunFolder.of(tmp_path / "results", SPEC).create(SPEC)
    assert completed("run", "--method", "i") == ["iic", "infoseg", "inmars", "isola"]
    assert completed("run", "--dataset", "mi") == ["mini"]
    assert completed("run", "--suite", "pap") == ["paper", "paper-published"]
    assert completed("run", "--preset", "") == ["small"]
    assert completed("predict", "--run", SPEC.identity[:2]) == [SPEC.short_id]
    assert completed("status", "--method", "km") == ["kmeans"]


def test_a_shell_is_told_nothing_of_a_damaged_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "broken.h5").write_bytes(b"no store")
    assert completed("run", "--dataset", "coco-p") == ["coco-persons"]


@pytest.mark.parametrize("words", [["--debug", "status"], ["status", "--debug"]])
def test_debug_may_stand_anywhere(words: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [*words, "--results", str(tmp_path)])
    assert type(done.exception).__name__ == "UserError"
    plain = CliRunner().invoke(main, ["status", "--results", str(tmp_path)])
    assert isinstance(plain.exception, SystemExit)
