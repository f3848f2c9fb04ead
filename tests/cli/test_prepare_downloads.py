from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from infoseg_bench.cli import main
from infoseg_bench.data.store import Store
from infoseg_bench.datasets.coco.stuff_recipe import CocoStuff, CocoStuff3
from infoseg_bench.preparation import http_download as transfer
from tests.datasets.official import GROUND, PLANT, SKY, StuffFolder, zip_folders
from tests.preparation.server import Server, serving


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Server]]:
    """The official archives in miniature, each on a server of its own."""
    coco = StuffFolder(tmp_path / "coco")
    for photo in range(1, 6):
        coco.add(photo, SKY, PLANT, GROUND, split="train2017" if photo < 4 else "val2017")
    zips = zip_folders(coco.root, tmp_path / "zips")
    monkeypatch.setattr(transfer, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(CocoStuff, "working_space", 1000)
    monkeypatch.setattr(CocoStuff3, "working_space", 1000)
    with ExitStack() as stack:
        running = {
            path.name: stack.enter_context(serving(path.read_bytes())) for path in sorted(zips.iterdir())
        }
        sources = tuple(
            replace(source, address=running[source.name].address, size=None, sha256=None)
            for source in CocoStuff.sources
        )
        for recipe in (CocoStuff, CocoStuff3):
            monkeypatch.setattr(recipe, "sources", sources)
        yield running


def prepare(folder: Path, name: str, *words: str, answer: str | None = None) -> Result:
    small = ["--scale", "0.5", "--crop", "16", "--min-side", "20"]
    words = ("prepare", name, "--data", str(folder / "data"), *small, *words)
    return CliRunner().invoke(main, list(words), input=answer)


def test_what_is_needed_is_shown_downloaded_verified_and_built(
    tmp_path: Path, servers: dict[str, Server]
) -> None:
    servers["train2017.zip"].behaviours = ["drop", "503"]
    result = prepare(tmp_path, "coco-stuff", "--yes")
    assert result.exit_code == 0, result.output
    assert "train2017.zip" in result.stderr
    assert "are free" in result.stderr
    assert Store(tmp_path / "data" / "coco-stuff.h5").photos == 5
    asked = {name: len(server.ranges) for name, server in servers.items()}
    assert prepare(tmp_path, "coco-stuff-3").exit_code == 0
    assert {name: len(server.ranges) for name, server in servers.items()} == asked
    assert (tmp_path / "data" / "downloads" / "stuffthingmaps_trainval2017.zip.sha256").is_file()


def test_nothing_is_downloaded_without_being_agreed_to(tmp_path: Path, servers: dict[str, Server]) -> None:
    result = prepare(tmp_path, "coco-stuff")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "Error: Cannot ask for confirmation: standard input is not a terminal. Pass --yes, or --source DIR."
    )
    assert all(server.ranges == [] for server in servers.values())


def test_an_archive_that_is_gone_is_one_line(tmp_path: Path, servers: dict[str, Server]) -> None:
    servers["val2017.zip"].behaviours = ["404"]
    result = prepare(tmp_path, "coco-stuff", "--yes")
    assert result.exit_code == 1
    assert "answers 404" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "data" / "coco-stuff.h5").exists()


def test_with_a_source_nothing_is_downloaded(tmp_path: Path, servers: dict[str, Server]) -> None:
    assert prepare(tmp_path, "coco-stuff", "--source", str(tmp_path / "zips")).exit_code == 0
    assert all(server.ranges == [] for server in servers.values())


@pytest.mark.parametrize("name", ["potsdam", "potsdam-3"])
def test_potsdam_says_what_to_request_where_and_where_to_put_it(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(main, ["prepare", name, "--data", str(tmp_path / "data")])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "4_Ortho_RGBIR.zip and 5_Labels_for_participants.zip" in line
    assert "https://www.isprs.org/" in line
    assert str(tmp_path / "data" / "downloads") in line


def test_choices_are_in_the_help_and_others_are_refused(tmp_path: Path) -> None:
    assert "[opencv|antialiased]" in CliRunner().invoke(main, ["prepare", "coco-stuff", "--help"]).output
    assert prepare(tmp_path, "coco-stuff", "--channels", "gbr").exit_code == 2
