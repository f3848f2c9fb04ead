from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.classes import class_frame
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.page import page as render
from infoseg_bench.reporting.page import published
from infoseg_bench.reporting.pictures import Column, Panel, Panels
from infoseg_bench.reporting.write import write_report
from tests.reporting.runs import add_run, counts_with

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
HOSTILE = '<img src="https://example.org/x.png" onerror="alert(1)"><script>alert(2)</script>'

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two boards: with curves, quirks, label use, a hostile name, a record left out."""
    results = tmp_path_factory.mktemp("results")
    for seed in range(2):
        run = add_run(results, seed=seed, last=counts_with(80 + seed), parameters={"padding": "corrected"})
        lines = [{"step": s, "loss": 1 / (s + 1), "pixel_accuracy": 0.5 + s / 400} for s in (0, 50, 100)]
        run.curve_file.write_text("\n".join(map(json.dumps, lines)))
    add_run(results, last=counts_with(90), parameters={"padding": "published"}, label_use="mask")
    add_run(results, last=counts_with(70), method="other", method_title=HOSTILE, steps=7)
    add_run(results, last=counts_with(60), dataset="coco-stuff-3", title=HOSTILE, note=HOSTILE)
    add_run(results, last=counts_with(60), seed=9).counts_file.unlink()
    return write_report(results, results / "report", data=results / "nowhere").page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


SCREENS = [(width, scheme) for width in (360, 768, 1280) for scheme in ("light", "dark")]


@pytest.fixture(params=SCREENS, ids=[f"{width}-{scheme}" for width, scheme in SCREENS])
def page(request: pytest.FixtureRequest, browser: Browser, path: Path) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened = context.new_page()
    heard: list[str] = []
    opened.on("console", lambda message: heard.append(message.text))
    opened.on("pageerror", lambda error: heard.append(str(error)))
    opened.on("dialog", lambda dialog: heard.append(dialog.message))
    opened.on("request", lambda asked: heard.append(asked.url) if asked.url[:5] == "http:" else None)
    opened.on("request", lambda asked: heard.append(asked.url) if asked.url[:6] == "https:" else None)
    opened.goto(path.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    yield opened
    # No error, no word of the content security policy, no request.
    assert heard == []
    context.close()


@needs_browser
def test_it_opens_with_every_figure_visible_and_nothing_wider_than_the_screen(page: Page) -> None:
    sizes = page.evaluate(
        "[...document.querySelectorAll('figure svg, img')].map(one => one.getBoundingClientRect())"
        ".map(box => Math.min(box.width, box.height))"
    )
    assert len(sizes) >= 8
    assert min(sizes) > 20
    assert page.evaluate("[...document.images].every(one => one.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Only tables and figures scroll within their frames, and no figure is shrunk so that it cannot be read.
    wide = (
        "one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll, .wide, .bar ul')"
    )
    assert page.evaluate(f"[...document.querySelectorAll('main *, header *')].filter({wide}).length") == 0
    scale = "one => one.getBoundingClientRect().width / one.viewBox.baseVal.width"
    assert min(page.evaluate(f"[...document.querySelectorAll('.wide svg')].map({scale})")) > 0.9


@needs_browser
def test_who_leads_at_which_scale_is_seen_at_once_and_its_score_without_scrolling_sideways(
    page: Page,
) -> None:
    card = page.locator(".cards li").filter(has_text="My photos").inner_text()
    assert "InfoSeg 80.5 %" in card
    assert "20.5 points above the constant prediction (60.0 %)" in card
    assert "7 training photos, 128x128 pixels, 2 seeds" in card
    board = page.locator(".board").filter(has=page.get_by_label("label use"))
    score = board.locator("tbody tr").first.locator("td").nth(1)
    assert "90.0" in score.inner_text()
    right = score.evaluate("one => one.getBoundingClientRect().right")
    assert right < page.evaluate("innerWidth")


@needs_browser
def test_a_table_is_sorted_by_the_column_that_is_pressed_anywhere_in_its_head(page: Page) -> None:
    table = page.locator(".board").filter(has=page.get_by_label("label use")).locator("table").first
    head = table.get_by_role("button", name="PA", exact=True)
    column = 1 + head.evaluate("one => one.closest('th').cellIndex")

    def figures() -> list[float]:
        texts = table.locator(f"tbody tr > :nth-child({column})").all_inner_texts()
        return [float(text.split()[0]) for text in texts]

    # The whole cell can be pressed, its upper left corner too.
    corner = "one => { const box = one.getBoundingClientRect(); return [box.left + 3, box.top + 3]; }"
    table.scroll_into_view_if_needed()
    head.evaluate("one => one.scrollIntoView({block: 'center'})")
    page.mouse.click(*head.evaluate(f"one => ({corner})(one.closest('th'))"))
    assert figures() == sorted(figures(), reverse=True)
    head.press("Enter")
    assert figures() == sorted(figures())
    assert figures()[0] < figures()[-1]
    assert head.evaluate("one => one.closest('th').ariaSort") == "ascending"


@needs_browser
def test_one_table_of_a_board_is_shown_and_its_rows_are_filtered(page: Page) -> None:
    board = page.locator(".board").filter(has=page.get_by_label("label use")).first
    shown = board.locator("table:visible")
    assert shown.count() == 1
    rows = shown.locator("tbody tr:visible")
    before = rows.count()
    board.get_by_label("label use").select_option("mask")
    assert rows.count() == 2
    assert "constant prediction" in rows.all_inner_texts()[-1]
    board.get_by_role("button", name="IoU of every class").click()
    assert shown.count() == 1
    assert rows.count() == 2
    assert "share of pixels" in rows.last.inner_text()
    board.get_by_label("label use").select_option("all")
    assert rows.count() == before
    board.get_by_role("button", name="mean IoU").click()
    assert shown.locator("th").nth(2).inner_text().startswith("mean IoU")


@needs_browser
def test_navigation_stays_in_sight_and_leads_everywhere(page: Page) -> None:
    bar = page.get_by_role("navigation", name="Page")
    bar.locator("summary").click()
    targets = bar.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert {"#top", "#tables", "#figures", "#provenance"} < set(targets)
    assert all(page.locator(f"[id='{target[1:]}']").count() == 1 for target in targets)
    page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    assert bar.bounding_box()["y"] == 0  # type: ignore[index]
    page.get_by_role("link", name="Back to top").click()
    assert page.evaluate("scrollY") == 0


@needs_browser
def test_it_passes_an_accessibility_check(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.fixture(scope="module")
def panels_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with panels of eight methods on two photos."""
    folder = tmp_path_factory.mktemp("panels")
    add_run(folder, last=counts_with(70))
    boards = make_boards(read_runs(folder)[0])
    images = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3)).astype(np.uint8)
    titles = ["photo", "ground truth", *(f'method "{number}" <b>' for number in range(8))]
    panel = Panel("fixed selection", tuple(Column(title, images, ["PA 5 %", ""]) for title in titles))
    classes = {board.name: class_frame(board) for board in boards}
    file = folder / "page.html"
    panels = {boards[0].name: Panels(panels=(panel,), publishable=True)}
    nothing: dict[str, Any] = {"tables": [], "figures": {}, "galleries": {}, "problems": []}
    file.write_text(render(boards, classes=classes, panels=panels, **nothing))
    return file


@needs_browser
@pytest.mark.parametrize(("width", "columns"), [(360, 2), (768, 6), (1280, 6)])
def test_panels_show_every_method_without_scrolling_sideways(
    browser: Browser, panels_page: Path, width: int, columns: int
) -> None:
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.goto(panels_page.as_uri())
    boxes = opened.evaluate(
        "[...document.images].map(one => [one, one.getBoundingClientRect()])"
        ".map(([one, box]) => [one.naturalWidth, box.left, box.right, one.alt])"
    )
    boxes = [box for box in boxes if box[2] > box[1]]
    assert all(natural == 32 and left >= 0 and right <= width for natural, left, right, _ in boxes)
    assert {alt for *_, alt in boxes if "PA" in alt} > {
        f'method "{number}" <b>, PA 5 %' for number in range(8)
    }
    assert len({round(left) for _, left, *_ in boxes}) == columns
    # Photo and ground truth stand in each of two lines, on a phone once and in sight.
    assert sum(alt == "photo" for *_, alt in boxes) == (1 if columns == 2 else 2)
    sticky = opened.locator(".given").first.evaluate("one => getComputedStyle(one).position")
    assert (sticky == "sticky") is (columns == 2)
    opened.close()


def test_a_panel_is_written_as_a_png_of_all_its_lines(panels_page: Path) -> None:
    images = np.zeros((2, 32, 32, 3), dtype=np.uint8)
    panel = Panel("x", tuple(Column(f"method {n}", images, ["a", "b"]) for n in range(10)))
    assert [len(line) for line in panel.lines] == [6, 6]
    with Image.open(io.BytesIO(panel.png())) as image:
        assert image.format == "PNG"
        assert image.height > 600


def test_a_panel_leaves_room_for_titles_of_many_lines() -> None:
    def height(title: str) -> int:
        images = np.zeros((1, 32, 32, 3), dtype=np.uint8)
        panel = Panel("x", tuple(Column(name, images, ["PA 5 %"]) for name in ("photo", "truth", title)))
        with Image.open(io.BytesIO(panel.png())) as image:
            return image.height

    assert [
        height("one line " + "and another with 26 signs " * lines) - height("one line") for lines in (1, 5)
    ] == [pytest.approx(12 * lines, abs=2) for lines in (1, 5)]


def test_the_page_opens_with_what_was_run_and_what_that_cannot_tell(path: Path) -> None:
    text = path.read_text().partition("<header>")[2].partition("</header>")[0]
    for words in (
        "2 methods (1 with label information in training)",
        "2 data sets",
        "7 to 100 training steps",
        "the shortest released training reached its published figure after 570 steps",
        "rows of fewer than 3 seeds",
        "No method beats the constant prediction",
        "1 record left out",
    ):
        assert words in text


def test_folders_of_the_machine_are_left_out_of_problems_and_relative_ones_are_whole() -> None:
    problem = "a--b/record.json: no record"
    assert published(f"/home/me/results/runs/{problem}: use --force") == problem
    assert published(f"results/runs/{problem}") == f"results/runs/{problem}"


def test_no_advice_about_options_is_on_the_page(path: Path) -> None:
    text = re.sub(r"<(style|script)>.*?</\1>", "", path.read_text(), flags=re.DOTALL)
    assert not re.findall(r"\s--[a-z]\S*", text)


def test_empty_columns_are_left_out(path: Path) -> None:
    sections = path.read_text().split("<section")
    assert "paper's PA" not in next(one for one in sections if "My photos <small>" in one)


def test_nothing_is_announced_that_is_not_there(path: Path) -> None:
    assert "What they see" not in path.read_text()


def test_no_name_becomes_markup(path: Path) -> None:
    text = path.read_text()
    assert "<img src=" not in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(2)" in text


def test_nothing_is_fetched_and_no_script_is_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"<script\s", text) == []
    assert len(re.findall("<script>", text)) == 1
    assert "default-src 'none'" in text
    assert not re.findall(r"<[a-z][^<>]*(?:src|href)=\"(?!data:|#)", text)


def test_what_was_left_out_is_on_the_page(path: Path) -> None:
    left_out = path.read_text().partition('id="left-out"')[2]
    assert "counts.npz" in left_out
    assert "not readable counts" in left_out
    assert str(path.parents[1]) not in left_out
