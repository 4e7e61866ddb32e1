"""Screenshots of the report page."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from picture_makers.inputs import MissingInputError, find_chromium


def screenshot_report(folder: Path, reports: Path) -> str:
    """The report page: its summary, an open cell of the confusion matrix, mistakes, and generated drawings on a phone.

    Chromium is driven by Playwright, which the extra `dev` installs.
    """
    page_path = reports / "index.html"
    if not page_path.is_file():
        raise MissingInputError(f"no {page_path}: run `make repro`")
    chromium = find_chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingInputError("playwright is not installed: it is part of the extra dev") from None
    names = []
    with tempfile.TemporaryDirectory() as work_dir, sync_playwright() as playwright:
        shot = Path(work_dir) / "shot.png"
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (size, scheme, photograph) in _REPORT_PICTURES.items():
            width, height = size
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(page_path.resolve().as_uri())
            page.add_style_tag(content="nav { position: static !important; }")
            photograph(page, shot)
            _quantize(shot, folder / f"{name}.png")
            names.append(f"{name}.png")
            context.close()
        browser.close()
    return ", ".join(names)


def _photograph_window(page: Any, path: Path) -> None:
    page.wait_for_timeout(500)
    page.screenshot(path=path)


def _photograph_confusion(page: Any, path: Path) -> None:
    """The first of the cells with the most mistakes, open, above the matrix."""
    cells = page.locator("#classify-confusion td.wrong[aria-haspopup]")
    counts = [int(text) for text in cells.all_inner_texts()]
    if not counts:
        raise MissingInputError("the best model makes no mistakes")
    page.locator("#classify-confusion").evaluate("node => node.scrollIntoView({ behavior: 'instant' })")
    cells.nth(counts.index(max(counts))).click()
    page.mouse.move(0, 0)
    page.screenshot(path=path)


def _photograph_section(anchor: str) -> Callable[[Any, Path], None]:
    return lambda page, path: page.locator(f"#{anchor}").screenshot(path=path)


_REPORT_PICTURES: dict[str, tuple[tuple[int, int], str, Callable[[Any, Path], None]]] = {
    "report": ((1400, 900), "light", _photograph_window),
    "report-confusion": ((1100, 760), "light", _photograph_confusion),
    "report-mistakes": ((1100, 900), "light", _photograph_section("classify-mistakes")),
    "report-phone": ((390, 844), "dark", _photograph_section("draw-generated")),
}


def _quantize(shot: Path, path: Path) -> None:
    """The picture in 64 colours."""
    from PIL import Image

    with Image.open(shot) as image:
        image.convert("RGB").quantize(64).save(path, optimize=True)
