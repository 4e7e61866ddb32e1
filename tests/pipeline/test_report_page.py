"""The report page of a real run in Chromium: no errors, accessible, and everything on it can be operated."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from strokecast import params
from strokecast.common.files import read_json, write_json
from strokecast.evaluation.board import leaderboard, page

pytestmark = pytest.mark.slow

SIZES = {"desktop": (1400, 900), "phone": (390, 844)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCROLL = """async () => {  // charts are drawn when they come into view
    for (let y = 0; y < document.body.scrollHeight; y += 700) {
        window.scrollTo({ top: y, behavior: "instant" });
        await new Promise((resolve) => setTimeout(resolve, 60));
    }
    window.scrollTo({ top: 0, behavior: "instant" });
}"""
ANIMATIONS = "node => node.getAnimations({ subtree: true }).length"


@pytest.fixture(scope="module")
def report(built: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the small project; its `gru` gets attention weights, which none of its models has."""
    reports = tmp_path_factory.mktemp("report") / "reports"
    shutil.copytree(built.root / "reports", reports)
    gallery = read_json(reports / "classify" / "gallery.json")
    model = next(model for model in gallery["models"] if model["name"] == "gru")
    rows = sum(len(stroke) // 2 for stroke in gallery["drawings"][0]) - 1
    model["attention"] = [[0, [200 * at // rows for at in range(rows)]]]
    write_json(reports / "classify" / "gallery.json", gallery)
    data = built.root / "data"
    page.write_page(
        reports / "index.html",
        reports,
        leaderboard.read_tables(reports, params.TASKS),
        leaderboard.read_attributions(data / "raw", params.DATASETS),
        built.root / "models",
        data / "validated",
        params.DATASETS,
    )
    return reports / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium of the system, without a window."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on the PATH (Debian: `apt-get install chromium`)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any, report: Path) -> Iterator[Callable[..., Any]]:
    """Function that opens the page; the test fails if the browser reported an error or the page asked for a file."""
    contexts, problems = [], []

    def visit(size: str = "desktop", **options: Any) -> Any:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("request", lambda request: problems.append(request.url) if is_foreign(request.url) else None)
        tab.goto(report.as_uri())
        return tab

    def is_foreign(url: str) -> bool:
        return url != report.as_uri() and not url.startswith(("data:", "blob:"))

    yield visit
    for context in contexts:
        context.close()
    assert problems == []


def violations(tab: Any) -> list[str]:
    """What axe-core rates as serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_accessible_and_as_wide_as_the_window(visit: Any, size: str, scheme: str) -> None:
    tab = visit(size, color_scheme=scheme)
    tab.evaluate(SCROLL)
    assert tab.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert violations(tab) == []


def test_a_leaderboard_sorts_and_filters(visit: Any) -> None:
    tab = visit()
    rows = tab.locator("#classify-table tbody th:visible")
    header = tab.locator("#classify-table thead th").first

    def models() -> list[str]:
        return [text.split()[0] for text in rows.all_inner_texts()]  # "gru (champion)"

    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert models() == ["gru", "logistic"]
    header.get_by_role("button").press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert models() == ["logistic", "gru"]
    tab.locator("[data-table=classify-table] [data-filter]").fill("gr")
    assert models() == ["gru"]


def test_a_confusion_cell_opens_its_drawings_and_returns_the_focus(visit: Any) -> None:
    tab = visit("phone", color_scheme="dark")
    section = tab.locator("#classify-confusion")
    cell = section.locator("td[aria-haspopup]").first
    count = int(cell.inner_text())
    cell.click()
    dialog = tab.get_by_role("dialog")
    assert dialog.locator(".drawing svg path").count() >= dialog.locator(".drawing").count() == min(count, 60)
    assert "predicted" in dialog.locator(".drawing").first.inner_text()
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    assert dialog.count() == 0
    assert tab.evaluate(
        "document.activeElement === document.querySelector('#classify-confusion td[aria-haspopup]')"
    )
    counts = [int(text) for text in section.locator("td[aria-haspopup]").all_inner_texts()]
    assert sum(counts) == 90, "30 test drawings of three classes"


def test_arrow_keys_walk_through_the_confusion_matrix(visit: Any) -> None:
    tab = visit()
    section = tab.locator("#watch-confusion")
    assert section.locator('td[tabindex="0"]').count() == 1, "one cell is in the tab order"
    section.locator('td[tabindex="0"]').focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    label = tab.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("true coffee cup, predicted coffee cup: ")


def test_another_model_shows_its_own_confusion_and_mistakes(visit: Any) -> None:
    tab = visit()
    for section in ("classify-confusion", "classify-mistakes"):
        place = tab.locator(f"#{section}")
        before = place.inner_text()
        place.get_by_label("Model").select_option(index=1)
        assert place.inner_text() != before


def test_a_mistake_is_drawn_stroke_by_stroke_on_focus_and_hover(visit: Any) -> None:
    tab = visit()
    first, second = (tab.locator("#classify-mistakes button.drawing").nth(at) for at in (0, 1))
    for name in ("predicted", "true class", "%"):
        assert name in first.inner_text()
    first.focus()
    assert first.evaluate(ANIMATIONS) >= 1
    second.hover()
    assert second.evaluate(ANIMATIONS) >= 1
    second.focus()
    assert first.evaluate(ANIMATIONS) == 0


def test_nothing_moves_for_those_who_prefer_reduced_motion(visit: Any) -> None:
    tab = visit(reduced_motion="reduce")
    drawing = tab.locator("#classify-mistakes button.drawing").first
    drawing.focus()
    drawing.hover()
    assert drawing.evaluate(ANIMATIONS) == 0


def test_each_point_shows_its_attention(visit: Any) -> None:
    tab = visit()
    radii = tab.locator("#classify-attention circle").evaluate_all(
        "nodes => nodes.map(n => Number(n.getAttribute('r')))"
    )
    assert len(radii) > 2
    assert radii == sorted(radii), "the weights of the fixture rise"
    assert radii[0] < radii[-1]


def test_generated_drawings_stand_beside_real_ones_with_what_the_judge_says(visit: Any) -> None:
    tab = visit()
    section = tab.locator("#draw-generated")
    section.get_by_label("Drawings").select_option(label="By temperature")
    table = section.locator("table")
    assert table.locator("thead th").all_inner_texts() == ["real", "0.5"]
    assert table.locator("tbody th").all_inner_texts() == ["airplane", "coffee cup", "duck"]
    assert table.locator("td svg").count() == 6
    verdicts = [text.strip() for text in table.locator("tbody td:last-child").all_inner_texts()]
    assert set(verdicts) <= {"✓", "airplane", "coffee cup", "duck"}


def test_another_origin_shows_its_forecast(visit: Any) -> None:
    tab = visit()
    tab.evaluate(SCROLL)
    section = tab.locator("#forecast-explorer")
    chart = section.locator("[data-view=one]")
    before = chart.get_attribute("aria-label")
    section.get_by_label("Previous origin").click()
    chosen = section.locator("[data-origin]")
    assert chart.get_attribute("aria-label") != before
    chosen.select_option(index=0)
    first = chosen.locator("option").first.inner_text()
    assert f"{first} to " in chart.get_attribute("aria-label")
