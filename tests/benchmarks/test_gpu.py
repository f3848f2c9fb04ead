"""A rehearsal of the GPU session on the CPU: packed, run, unpacked."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COMMAND = Path(__file__).parents[2] / "benchmarks/gpu.py"
RANDOM = np.random.default_rng(0)


def gpu(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(COMMAND), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=560)


def add_photo(folder: Path, name: str, labels: str) -> None:
    for place, shape, suffix in (("images", (40, 40, 3), "jpg"), (labels, (40, 40), "png")):
        (folder / place).mkdir(parents=True, exist_ok=True)
        # Labels of stuff are sky and plant, 105 and 93.
        found = [0, 1] if labels == "persons" else [105, 93]
        values = RANDOM.choice(np.array(found if suffix == "png" else range(256), dtype=np.uint8), shape)
        Image.fromarray(values).save(folder / place / f"{name}.{suffix}")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make photos in the folders that the real ones lie in."""
    data = tmp_path_factory.mktemp("photos")
    for number in range(8):
        add_photo(data / "ccp-persons", f"{number}", "persons")
        add_photo(data / "labelme-facade", f"{number}a", "stuff")
        add_photo(data / "labelme-facade", f"{number}b", "stuff")
        for labels in ("stuff", "persons"):
            add_photo(data / "coco-photos", f"{number}", labels)
    for name in ("coco-stuff-3", "coco-stuff", "persons-20"):
        (data / f"coco-photos/list-{name}.txt").write_text("\n".join(map(str, range(8))) + "\n")
    return data


def test_a_pack_is_run_and_what_comes_back_becomes_boards(photos: Path, tmp_path: Path) -> None:
    packed = gpu("pack", "--photos", photos, "--pack", tmp_path / "pack", "--no-wheels")
    assert packed.returncode == 0, packed.stderr
    assert "of at most 56" in packed.stdout
    done = gpu(
        "run", "--pack", tmp_path / "pack", "--work", tmp_path / "work", "--out", tmp_path / "out",
        "--device", "cpu", "--toy", "--installed", "--lanes", 1, "--seconds", 500, "--first", 1, "--steps", 6,
    )  # fmt: skip
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert done.returncode == 0, (done.stderr, summary)
    assert summary["smoke"] == "done"
    assert summary["speed"] == summary["speed-graph"] == "done"
    smoke = json.loads((tmp_path / "out/smoke.json").read_text())
    assert len(smoke) == 16
    assert (smoke["infoseg graphs"]["used"], smoke["infoseg graphs"]["apart"]) == (False, 0.0)
    back = gpu("unpack", tmp_path / "out", "--reports", tmp_path / "reports")
    assert back.returncode == 0, back.stderr
    assert "1 finished runs, 0 unfinished ones" in back.stdout
    assert (tmp_path / "reports/leaderboard.md").exists()


def test_nothing_that_comes_back_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    words = ["--pack", tmp_path / "pack", "--work", tmp_path / "work", "--out", tmp_path / "out"]
    assert gpu("run", *words, "--seconds", 5).returncode != 0


def test_a_piece_that_takes_too_long_is_interrupted_and_named_and_unfinished_runs_are_archived(
    tmp_path: Path,
) -> None:
    sys.path.insert(0, str(COMMAND.parent))
    import gpu_session as command

    options = argparse.Namespace(work=tmp_path / "work", out=tmp_path / "out", seconds=50.0, toy=True)
    session = command.Session(options)
    assert not session.call("nap", [sys.executable, "-c", "import time; time.sleep(60)"], seconds=1.0)
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["nap"]["status"] == "stopped at the time limit"
    unfinished = tmp_path / "work/results/runs/ccp--infoseg--1"
    unfinished.mkdir(parents=True)
    (unfinished / "curve.jsonl").write_text("{}")
    assert command._archive(session) == 1
    back = gpu("unpack", tmp_path / "out", "--reports", tmp_path / "reports")
    assert back.returncode == 0
    assert (tmp_path / "reports/unfinished/ccp--infoseg--1.jsonl").read_text() == "{}"
