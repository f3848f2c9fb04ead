from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

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


@pytest.fixture(params=[(1200, "light"), (1200, "dark"), (390, "light")], ids=["light", "dark", "phone"])
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


@needs_browser
def test_a_table_is_sorted_by_the_column_that_is_pressed(page: Page) -> None:
    table = page.locator("section table").filter(has=page.get_by_role("button", name="95 % interval")).nth(1)
    head = table.get_by_role("button", name="PA", exact=True)
    column = 1 + head.evaluate("one => one.closest('th').cellIndex")

    def figures() -> list[float]:
        texts = table.locator(f"tbody tr > :nth-child({column})").all_inner_texts()
        return [float(text.split()[0]) for text in texts]

    head.click()
    assert figures() == sorted(figures(), reverse=True)
    head.press("Enter")
    assert figures() == sorted(figures())
    assert figures()[0] < figures()[-1]
    assert head.evaluate("one => one.closest('th').ariaSort") == "ascending"


@needs_browser
def test_it_passes_an_accessibility_check(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@needs_browser
def test_pictures_in_the_page_load_under_its_policy(browser: Browser, tmp_path: Path) -> None:
    from infoseg_bench.reporting.boards import make_boards
    from infoseg_bench.reporting.loaded_runs import read_runs
    from infoseg_bench.reporting.page import page as render
    from infoseg_bench.reporting.panels import Panel, Panels

    add_run(tmp_path, last=counts_with(70))
    boards = make_boards(read_runs(tmp_path)[0])
    out = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(out, "PNG")
    png = out.getvalue()
    panels = {
        boards[0].name: Panels(pictures=(Panel("fixed selection", 'a "dot" <b>', png),), publishable=True)
    }
    file = tmp_path / "page.html"
    file.write_text(render(boards, grids=[], panels=panels, problems=[]))
    opened = browser.new_page()
    opened.goto(file.as_uri())
    assert opened.evaluate("[...document.images].map(one => [one.naturalWidth > 0, one.alt])") == [
        [True, 'a "dot" <b>']
    ]
    opened.close()


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
    left_out = path.read_text().partition('id="left-out-title"')[2]
    assert "counts.npz" in left_out
    assert "not readable counts" in left_out
