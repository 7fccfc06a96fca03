"""What every HTML file of bp shares: text that stays text, data in a script, and a policy that lets nothing else run.

A file loads nothing and sends nothing: its Content-Security-Policy allows the scripts and the styles that are written
in it, by their hashes, and no other. So a name in a data file can be neither markup nor a script, even where an
escape were forgotten. Attributes ``style`` and ``onclick`` do not work in such a file; classes and listeners do.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from bpcli.storage.text import to_json

ORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that change the order of all text after them; the mere marks U+200E, U+200F and U+061C are none."""

SCRIPT_SIGNS = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})
"""What could end a script or a line in it, as JSON escapes it."""

ENDING = re.compile(r"</(?:script|style)|<!--", re.IGNORECASE)
"""What a script or a style written in a file must not contain."""


GENERATOR = '<meta name="generator" content="bp">'
"""By what a file is known as a page of bp."""

BEGINNING = 1 << 14
"""In how many bytes of a file it stands."""


def is_own_page(path: Path) -> bool:
    """Whether a file is empty or a page that bp wrote.

    Raises:
        OSError: the system refused to read it.
    """
    with path.open("rb") as file:
        beginning = file.read(BEGINNING)
    return not beginning or GENERATOR.encode() in beginning


@dataclass(frozen=True)
class WebPage:
    """An HTML file: ``body`` is markup, ``data`` goes into elements of JSON by their ids.

    ``styles`` and ``scripts`` are the program's own, in their order; scripts run as modules, once the body is there.
    With ``pictures`` the page may show images that are written in it as ``data:`` addresses.
    """

    title: str
    body: str
    styles: Sequence[str] = ()
    scripts: Sequence[str] = ()
    data: Sequence[tuple[str, Any]] = ()
    language: str = "en"
    pictures: bool = False

    def html(self) -> str:
        """The whole file."""
        own = "\n".join((*self.styles, *self.scripts))
        assert ENDING.search(own) is None, "a script or style that ends its own element"
        policy = content_security_policy(self.styles, self.scripts, pictures=self.pictures)
        return "\n".join(
            [
                "<!doctype html>",
                f'<html lang="{escape(self.language)}">',
                "<head>",
                '<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta name="color-scheme" content="light dark">',
                '<meta name="referrer" content="no-referrer">',
                GENERATOR,
                f"<title>{escape(visible(self.title))}</title>",
                *(f"<style>{style}</style>" for style in self.styles),
                "</head>",
                "<body>",
                self.body,
                *(json_element(name, value) for name, value in self.data),
                *(f'<script type="module">{script}</script>' for script in self.scripts),
                "</body>",
                "</html>",
                "",
            ]
        )


def visible(text: str) -> str:
    """Text in which signs that would turn the order of what follows are written as ``[U+202E]``."""
    return ORDERING.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def isolated(text: str) -> str:
    """Text as markup that shows it, its direction of writing kept to itself."""
    return f"<bdi>{escape(visible(text))}</bdi>"


def script_json(value: Any) -> str:
    """JSON that can stand in a script or an element of JSON, whatever the texts in it are.

    Numbers that are not finite become null, as :func:`~bpcli.storage.text.to_json` writes them.
    """
    return to_json(value).translate(SCRIPT_SIGNS)


def json_element(name: str, value: Any) -> str:
    """An element that holds data for the page's scripts, and runs nothing itself."""
    return f'<script type="application/json" id="{escape(name)}">{script_json(value)}</script>'


def content_security_policy(styles: Sequence[str], scripts: Sequence[str], *, pictures: bool) -> str:
    """What the browser may run and load: these styles and scripts, and pictures that are written in the page."""
    rules = {
        "default-src": ["'none'"],
        "script-src": [_hash(script) for script in scripts] or ["'none'"],
        "style-src": [_hash(style) for style in styles] or ["'none'"],
        "img-src": ["data:"] if pictures else ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(" ".join((name, *sources)) for name, sources in rules.items())


def _hash(source: str) -> str:
    """The source's hash as a policy names it."""
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"
