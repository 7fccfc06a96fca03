"""HTML files: text stays text, data cannot end its element, and the policy names what is in the file."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import pytest

from bpcli.web import WebPage, isolated, script_json, visible

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "\"' onload=alert(1) x='",
    "<img src=x onerror=alert(1)>",
    "a&b&amp;c",
    "\u2028\u2029",
    "\u202egpj.exe",
    "\u2066אב\u2069",
    "עברית",
]


class _Elements(HTMLParser):
    """The elements of a file, each with its attributes and the text before any other."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))

        self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1][2].append(data)


def elements(html: str, tag: str) -> list[tuple[dict[str, str | None], str]]:
    return [(attributes, "".join(text)) for name, attributes, text in _Elements(html).found if name == tag]


def test_hostile_data_is_read_back_and_adds_no_element() -> None:
    html = WebPage("t", "<p>body</p>", scripts=["run()"], data=[("names", HOSTILE)]).html()
    scripts = elements(html, "script")
    assert [attributes.get("type") for attributes, _ in scripts] == ["application/json", "module"]
    assert json.loads(scripts[0][1]) == HOSTILE
    assert elements(html, "img") == []


def test_json_for_a_script_has_no_sign_that_html_reads() -> None:
    assert re.search("[<>&\u2028\u2029]", script_json(HOSTILE)) is None
    assert json.loads(script_json([float("nan"), 0.1])) == [None, 0.1]


@pytest.mark.parametrize("text", HOSTILE)
def test_isolated_text_is_one_element_with_the_text_in_it(text: str) -> None:
    ((attributes, found),) = elements(isolated(text), "bdi")
    assert attributes == {}
    assert found == visible(text)
    assert len(_Elements(isolated(text)).found) == 1


def test_signs_that_turn_what_follows_are_written_out_and_marks_are_kept() -> None:
    assert visible("a\u202eb\u2069") == "a[U+202E]b[U+2069]"
    assert visible("א\u200f.") == "א\u200f."


def test_the_policy_names_each_script_and_style_by_its_hash_and_nothing_else() -> None:
    html = WebPage("t", "", styles=["p { margin: 0 }"], scripts=["let a = 1 < 2 && 3;\n"]).html()
    (policy,) = [
        str(attributes["content"])
        for attributes, _ in elements(html, "meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    written = {tag: [text for attributes, text in elements(html, tag)] for tag in ("script", "style")}
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in written[tag]]
        assert rules.pop(rule) == [f"'sha256-{one}'" for one in hashes]
    assert set(map(tuple, rules.values())) == {("'none'",)}


def test_pictures_are_allowed_where_asked_for_and_only_in_the_file() -> None:
    assert "img-src data:" in unescape(WebPage("t", "", pictures=True).html())
    assert "img-src 'none'" in unescape(WebPage("t", "").html())


def test_a_hostile_title_is_the_title() -> None:
    ((_, title),) = elements(WebPage("</title><script>x</script>", "").html(), "title")
    assert title == "</title><script>x</script>"


@pytest.mark.parametrize("source", ["'</script>'", "'</STYLE>'", "a <!-- b"])
def test_a_script_of_the_program_that_ends_itself_is_a_defect(source: str) -> None:
    with pytest.raises(AssertionError):
        WebPage("t", "", scripts=[source]).html()
