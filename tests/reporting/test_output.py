from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infoseg_bench.reporting.output import LIST, Output
from infoseg_bench.reporting.write import write_report
from tests.reporting.runs import add_run, counts_with


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_an_earlier_report_wrote_goes_and_what_others_put_there_stays(tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "report"
    add_run(results, last=counts_with(70))
    other = add_run(results, last=counts_with(90), dataset="coco-stuff-3")
    write_report(results, out)
    (out / "notes.txt").write_text("mine")
    (folder,) = out.glob("coco-stuff-3--*")
    (folder / "notes.txt").write_text("mine too")
    shutil.rmtree(other.path)
    write_report(results, out)
    kept = files(out) - {"notes.txt"}
    assert {name for name in kept if name.startswith("coco-stuff-3")} == {f"{folder.name}/notes.txt"}
    assert kept - {f"{folder.name}/notes.txt"} == set((out / LIST).read_text().splitlines())
    write_report(results, tmp_path / "fresh")
    assert files(tmp_path / "fresh") == kept - {f"{folder.name}/notes.txt"}


def test_folders_that_become_empty_go_too(tmp_path: Path) -> None:
    first = Output(tmp_path)
    first.put("board/curves/a.svg", "a")
    first.finish()
    second = Output(tmp_path)
    second.put("index.html", "")
    second.finish()
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("name", ["../victim", "sub/../../victim", "{absolute}"])
def test_a_list_from_elsewhere_removes_nothing_outside(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    root = tmp_path / "report"
    (root / "sub").mkdir(parents=True)
    (root / LIST).write_text(name.format(absolute=victim) + "\n")
    out = Output(root)
    out.put("index.html", "")
    out.finish()
    assert victim.read_text() == "precious"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    root = tmp_path / "report"
    root.mkdir()
    (root / "link").symlink_to(victim)
    (root / LIST).write_text("link\n")
    out = Output(root)
    out.put("index.html", "")
    out.finish()
    assert victim.read_text() == "precious"
