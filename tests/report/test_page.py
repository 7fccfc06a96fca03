"""The page of a report: names and cells stay text, and what a screen reader goes by is there."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bpcli.report import report_of
from bpcli.report.contents import Report, Section, Table, Text
from bpcli.report.page import html, png_address
from bpcli.web import is_own_page
from tests.explaining.browser import ABSENT, CHROMIUM, OpenPage, browser, opened
from tests.report.support import PICTURE, QUOTED, SCRIPT, Page, hostile_run, tables


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, str]:
    report = report_of(hostile_run(tmp_path_factory.mktemp("hostile")))
    return report, html(report)


def test_no_name_and_no_cell_is_markup(reported: tuple[Report, str]) -> None:
    page = Page(reported[1])
    assert page.open == []
    assert page.all("script", "iframe", "object", "link", "base", "form") == []
    names = {name for element in page.elements for name in element.attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    assert [each.text for each in page.all("h1")] == ["Run run<i>"]
    cells = {element.text for element in page.all("td", "th")}
    assert {PICTURE, QUOTED} <= cells
    assert SCRIPT in cells
    assert any("[U+202E]gpj.exe" in text for text in cells)
    assert any("\\x01" in text for text in cells)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", reported[1])


def test_nothing_is_loaded_and_the_file_is_small(reported: tuple[Report, str]) -> None:
    assert len(reported[1].encode()) <= 1_500_000
    page = Page(reported[1])
    policy = next(each for each in page.all("meta") if each.attributes.get("http-equiv"))
    assert "default-src 'none'" in str(policy.attributes["content"])
    assert "script-src 'none'" in str(policy.attributes["content"])
    for element in page.elements:
        for name in ("src", "href"):
            assert (element.attributes.get(name) or "#").startswith(("#", "data:"))
    assert re.findall("https?://[^\"' ]*", reported[1]) == ["http://www.w3.org/2000/svg"] * len(page.all("svg"))


def test_a_page_is_known_as_one_of_bp(reported: tuple[Report, str], tmp_path: Path) -> None:
    own, other, empty = tmp_path / "own.html", tmp_path / "other.html", tmp_path / "empty"
    own.write_text(reported[1], encoding="utf-8")
    other.write_text("<!doctype html><title>mine</title>", encoding="utf-8")
    empty.touch()
    assert [is_own_page(path) for path in (own, other, empty)] == [True, False, True]


def test_landmarks_headings_and_headers_are_in_order(reported: tuple[Report, str]) -> None:
    report, text = reported
    page = Page(text)
    assert [each.tag for each in page.all("header", "nav", "main", "footer")] == ["header", "nav", "main", "footer"]
    assert [each.tag for each in page.all("h1", "h2", "h3")] == ["h1", *["h2"] * (len(report.sections) + 1)]
    assert page.all("a")[0].attributes == {"class": "skip", "href": "#content"}
    ids = [str(each.attributes["id"]) for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for name in ("href", "aria-labelledby"):
            for target in (element.attributes.get(name) or "").split():
                assert not target.startswith("#") or target[1:] in ids
                assert name == "href" or target in ids
    for each in page.all("img", "svg"):
        assert each.attributes.get("alt") or each.attributes["role"] == "img"
    assert {each.attributes.get("scope") for each in page.all("th")} == {"col", "row"}
    assert len(page.all("caption")) == len(page.all("table")) == len(tables(report))


def test_text_and_headings_have_enough_contrast() -> None:
    """4.5 to 1 at least (WCAG 2.2, 1.4.3), of every colour of words on both backgrounds, light, dark and printed."""
    style = (Path(__file__).parents[2] / "bpcli/report/report.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{[^}]*\}", style)
    ]
    assert len(schemes) == 3
    for scheme in schemes:
        for words, ground in [
            *[(name, "paper") for name in ("ink", "quiet", "link", "mark", "warn")],
            *[(name, "shade") for name in ("ink", "quiet")],
            *[(name, "warn-shade") for name in ("ink", "warn")],
        ]:
            assert contrast(scheme[words], scheme[ground]) >= 4.5, (words, ground, scheme)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_thumbnail_is_read_back_by_another_reader() -> None:
    import matplotlib.image

    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    file = io.BytesIO(b64decode(png_address(grey).partition(",")[2]))
    assert (np.round(matplotlib.image.imread(file) * 255) == grey).all()


def test_a_lone_surrogate_of_a_file_name_is_escaped() -> None:
    report = Report(
        "run \udcff", "lead", None, [Section("a", "A", [Text("\udcff"), Table("t", ["\udcff"], [["\udcff"]])])]
    )
    assert html(report).encode().count(b"\\udcff") == 5  # twice in the title, which is the heading too


@pytest.fixture(scope="module")
def viewed(reported: tuple[Report, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    """The page in Chromium, on a telephone's screen."""
    if not CHROMIUM:
        pytest.skip(ABSENT)
    path = tmp_path_factory.mktemp("viewed") / "report.html"
    path.write_text(reported[1], encoding="utf-8")
    with browser() as started, opened(started, path, viewport={"width": 390, "height": 800}) as page:
        yield page


def test_a_browser_runs_nothing_of_the_data(viewed: OpenPage) -> None:
    for element in viewed.page.query_selector_all("th, td, img, svg"):
        element.dispatch_event("mouseover")
    assert viewed.page.title() == "Run run<i>"
    assert viewed.wrong == []
    assert viewed.run("document.documentElement.scrollWidth <= innerWidth")


def test_the_keyboard_skips_to_the_report(viewed: OpenPage) -> None:
    page = viewed.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    summary = page.query_selector("summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('details').open")


def test_it_is_printed_on_two_or_three_pages(viewed: OpenPage) -> None:
    page = viewed.page
    data = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", data)) in (2, 3)
