from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.font_manager import findfont

from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.drawing import Drawing, canvas, finish, style
from infoseg_bench.reporting.figures import KINDS, draw_figure
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.write import write_report
from tests.reporting.runs import add_run, counts_with

SVG = "{http://www.w3.org/2000/svg}"


def board(results: Path) -> Board:
    (only,) = make_boards(read_runs(results)[0])
    return only


def draw_figures(board: Board, number: int, *, pdf: bool = False) -> dict[str, Drawing]:
    """All figures of a board that there are data for, by name."""
    drawn = {name: draw_figure(board, name, number, pdf=pdf) for name in KINDS}
    return {name: drawing for name, drawing in drawn.items() if drawing}


def texts(drawing: Drawing) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")]


def add_trained(results: Path, **more: object) -> None:
    """A run with a curve."""
    run = add_run(results, last=counts_with(70), best=counts_with(90), **more)  # type: ignore[arg-type]
    lines = [{"step": step, "pixel_accuracy": share} for step, share in [(0, 0.5), (10, 0.9), (100, 0.7)]]
    lines += [{"step": step, "loss": 1 / (1 + step)} for step in range(100)]
    run.curve_file.write_text("\n".join(map(json.dumps, lines)))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Drawing]:
    """All figures of a board of two methods, one of them with two seeds and a released log."""
    results = tmp_path_factory.mktemp("results")
    for seed in range(2):
        add_trained(results, seed=seed, dataset="coco-stuff-3", method="iic", method_title="IIC")
    add_trained(results, dataset="coco-stuff-3")
    return draw_figures(board(results), 8, pdf=True)


def test_every_figure_is_drawn_as_svg_and_pdf(drawn: dict[str, Drawing]) -> None:
    assert list(drawn) == ["leaderboard", "cost", "curves", "released-log", "balance", "confusion"]
    for drawing in drawn.values():
        assert ElementTree.fromstring(drawing.svg).find(f"{SVG}title") is not None
        assert drawing.pdf is not None
        assert drawing.pdf.startswith(b"%PDF-")


def test_figures_fit_light_and_dark_pages_and_their_policy(drawn: dict[str, Drawing]) -> None:
    for drawing in drawn.values():
        assert "currentColor" in drawing.svg
        assert "#010203" not in drawing.svg
        assert "#000000" not in drawing.svg
        assert not re.search(r"<style|style=|<script|<metadata", drawing.svg)
        assert 'aria-label="' in drawing.svg


def test_ids_are_unique_on_a_page_and_every_reference_is_found(drawn: dict[str, Drawing]) -> None:
    page = "".join(drawing.svg for drawing in drawn.values())
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) <= set(ids)


def test_a_released_log_is_drawn_only_where_there_is_one(tmp_path: Path) -> None:
    add_trained(tmp_path, method="iic", method_title="IIC")
    found = draw_figures(board(tmp_path), 8)
    assert "released-log" not in found
    assert "curves" in found
    assert found["curves"].pdf is None


def test_a_board_without_curves_and_with_one_row_has_neither_curves_nor_costs(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    assert list(draw_figures(board(tmp_path), 8)) == ["leaderboard", "balance", "confusion"]


def test_labels_that_differ_at_their_ends_are_not_cut(tmp_path: Path) -> None:
    name = "a_parameter_with_a_very_long_name_indeed"
    for value in (1, 2):
        add_trained(tmp_path, parameters={name: value})
    for kind, drawing in draw_figures(board(tmp_path), 8).items():
        whole = "".join("".join(text.split()) for text in texts(drawing))
        if kind != "cost":
            assert f"{name}=1" in whole, kind
            assert f"{name}=2" in whole, kind


def test_the_same_runs_give_the_same_figures_and_others_give_others(tmp_path: Path) -> None:
    add_trained(tmp_path, seed=0)
    first, second = (draw_figures(board(tmp_path), 8, pdf=True) for _ in range(2))
    assert first == second
    add_trained(tmp_path, seed=1)
    assert draw_figure(board(tmp_path), "curves", 8, pdf=True) != first["curves"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (4, 2), (15, 15), (27, 27)])
def test_any_number_of_clusters_and_classes_can_be_drawn(tmp_path: Path, shape: tuple[int, int]) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (2, *shape)).astype(np.int64)
    counts[0, 0, 0] = 9
    add_run(tmp_path, last=counts)
    found = texts(draw_figures(board(tmp_path), 8)["confusion"])
    assert {f"class {index}" for index in range(shape[1])} <= set(found)


ODD = ["$x_{$", "a_b^c", "Größe ± 中", "<b>&amp;", "", "a\x00\nb", r"\frac{", "#010203"]


def test_any_name_can_be_drawn_and_is_no_markup(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(1, 9, (2, len(ODD), len(ODD))).astype(np.int64)
    for number, name in enumerate(ODD):
        run = add_run(
            tmp_path, last=counts, method=f"m{number}", method_title=name, title="".join(ODD), classes=ODD
        )
        run.curve_file.write_text('{"step": 0, "pixel_accuracy": 0.5}\n{"step": 10, "pixel_accuracy": 0.7}\n')
    odd = board(tmp_path)
    drawn = draw_figures(odd, len(ODD))
    assert {"curves", "confusion", "leaderboard"} <= set(drawn)
    # All names are in this one; a PDF takes long, because it holds a part of every font.
    assert draw_figure(odd, "confusion", len(ODD), pdf=True)
    for drawing in drawn.values():
        assert not list(ElementTree.fromstring(drawing.svg).iter(f"{SVG}b"))


NAMES = ["\u4eba\u884c\u9053", "\u0645\u0631\u062d\u0628\u0627"]
"""Pavement in Chinese, and a word that is written from right to left."""


def test_class_names_in_any_script_are_in_the_page_the_tables_and_the_figures(tmp_path: Path) -> None:
    add_run(tmp_path / "results", last=counts_with(70), classes=NAMES)
    write_report(tmp_path / "results", tmp_path / "out")
    written = {
        path.name: path.read_text() for path in (tmp_path / "out").rglob("*.*") if path.suffix != ".pdf"
    }
    for name in ("index.html", "classes.csv", "balance.svg", "confusion.svg"):
        assert all(cls in written[name] for cls in NAMES), name


def test_a_pdf_takes_an_installed_font_for_what_the_usual_one_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    mono = findfont("DejaVu Sans Mono")
    choose = "infoseg_bench.reporting.drawing.font_file"
    monkeypatch.setattr(choose, lambda text: mono if NAMES[0] in text else "usual")
    with style():
        pdf = {}
        for text in ("Gr\u00f6\u00dfe", f"{NAMES[0]} (pavement)"):
            figure = canvas(3.0, 2.0)
            figure.text(0.1, 0.5, text)
            pdf[text] = finish(figure, "a", "a figure", pdf=True).pdf or b""
    assert [b"DejaVuSansMono" in content for content in pdf.values()] == [False, True]
