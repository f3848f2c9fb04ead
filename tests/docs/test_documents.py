"""The documents' code, executed as it stands."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from infoseg_bench import load_results
from infoseg_bench.cli import main
from tests.cli.commands import write_photos

ROOT = Path(__file__).parents[2]


def blocks(document: Path) -> list[tuple[str, str]]:
    """Return language and content of every code block, in order."""
    return re.findall(r"```(bash|python)\n(.*?)```", document.read_text(), flags=re.DOTALL)


def python(code: str) -> str:
    """Run code as a script of its own, but in this process, which has imported torch; give what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "document", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def call(*words: str) -> str:
    result = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert result.exit_code == 0, f"{words}\n{result.output}"
    return result.output


def follow(document: Path) -> str:
    """Do here what a document says: save blocks that begin with a file's name, run all others."""
    printed = []
    for language, content in blocks(document):
        file = re.match(r"# (\w+\.py)\n", content)
        if file:
            Path(file[1]).write_text(content)
        elif language == "python":
            printed.append(python(content))
        else:
            for name, *words in map(shlex.split, content.splitlines()):
                assert name == "infoseg-bench"
                printed.append(call(*words))
    return "\n".join(printed)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_tutorial_adds_two_methods_that_hold_the_contract_and_join_the_board() -> None:
    printed = follow(ROOT / "docs" / "add-a-method.md")
    assert "brightness.py: all checks passed." in printed
    assert "my_idea.py: all checks passed." in printed
    board = Path("results/report/leaderboard.md").read_text()
    assert "Brightness |" in board
    assert "My idea |" in board


def test_the_python_example_scores_what_a_run_scores_and_three_lines_load_what_it_exports() -> None:
    accuracy = re.search(r"PA (\d+\.\d) %", follow(ROOT / "docs" / "python.md"))
    assert accuracy is not None
    words = ["--dataset", "synthetic-scenes", "--method", "kmeans", "--set", "kmeans.sample=2000"]
    call("run", *words, "--results", "once", "--no-report")
    table = load_results("once").set_index("selection")
    assert f"{100 * table.pixel_accuracy['last']:.1f}" == accuracy[1]
    (counts,) = [code for _, code in blocks(ROOT / "docs" / "scores.md") if "counts.npz" in code]
    (run,) = Path("once", "runs").iterdir()
    assert "last" in python(counts.replace("results/runs/NAME", str(run)))
    call("export", "--results", "once", "--run", "synthetic-scenes--kmeans", "--out", "my-model.safetensors")
    Image.new("RGB", (70, 50), (200, 30, 30)).save("photo.jpg")
    (lines,) = [code for _, code in blocks(ROOT / "docs" / "your-photos.md") if "load_model" in code]
    assert len([line for line in lines.splitlines() if line]) == 3
    assert python(f"{lines}print(labels.shape)").strip() == "(50, 70)"


SMALL = [
    "--seeds",
    "0",
    "--steps",
    "2",
    "--set",
    "infoseg.width=4",
    "--set",
    "infoseg.P=8",
    "--set",
    "infoseg.batch=2",
    "--no-report",
]


def test_the_page_on_your_own_photos_is_true_from_its_first_command_to_its_last(tmp_path: Path) -> None:
    write_photos(tmp_path, count=4, side=140)
    coded(tmp_path / "labels", tmp_path / "colour-labels")
    masks = made(tmp_path / "masks")
    for path in (tmp_path / "labels").iterdir():
        mask = np.asarray(Image.open(path)) == 1
        Image.fromarray(255 * mask.astype(np.uint8)).save(masks / path.name)
    Image.new("RGB", (70, 50), (200, 30, 30)).save(made(tmp_path / "holiday") / "beach.jpg")
    text = (ROOT / "docs" / "your-photos.md").read_text().replace("\\\n", " ")
    reached = 0
    for language, content in re.findall(r"```(bash|toml)\n(.*?)```", text, flags=re.DOTALL):
        file = re.match(r"# (\w+\.toml)\n", content)
        if file:
            Path(file[1]).write_text(content)
            continue
        assert language == "bash"
        for name, *words in (shlex.split(line) for line in content.splitlines()):
            assert name == "infoseg-bench"
            if not all(path.exists() for path in needed(words)):
                continue  # an example for a data set that is not part of this project
            if "--predictions" in words:
                segment(tmp_path / "photos-to-segment", made(tmp_path / "maps"))
            call(*words, *(SMALL if words[0] == "run" else []))
            reached += 1
    assert reached >= 10
    assert (tmp_path / "my-model.safetensors").exists()
    assert len(list((tmp_path / "holiday-segmented").rglob("*.png"))) >= 2
    assert "My method" in (tmp_path / "results" / "report" / "leaderboard.md").read_text()


def needed(words: list[str]) -> list[Path]:
    """Return the folders and files that a command reads."""
    options = ("--images", "--labels", "--only")
    return [Path(words[words.index(option) + 1]) for option in options if option in words]


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def coded(labels: Path, colours: Path) -> None:
    """Write label maps in the colours of the page, its void among them, from label maps of 0 and 1."""
    palette = np.array([[128, 64, 128], [70, 70, 70]], dtype=np.uint8)
    for path in labels.iterdir():
        image = palette[np.asarray(Image.open(path))]
        image[:3] = (224, 224, 192)
        colours.mkdir(exist_ok=True)
        Image.fromarray(image).save(colours / path.name)


def segment(photos: Path, maps: Path) -> None:
    for path in photos.rglob("*.png"):
        place = maps / path.relative_to(photos)
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((np.asarray(Image.open(path).convert("L")) > 100).astype(np.uint8)).save(place)
