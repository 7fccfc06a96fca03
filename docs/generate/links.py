"""Whether every link of a built site leads somewhere, and whether the site loads anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//")
"""What a style sheet loads from elsewhere."""


@dataclass
class _Page(HTMLParser):
    """The ids of a page, where its links lead, and what it loads."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids and links of an element."""
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" or "src" in values:
            self.loaded.append(values.get("src", values.get("href", "")))


def problems(site: Path) -> Iterator[str]:
    """Every link that leads nowhere, and everything that is loaded from elsewhere."""
    for file in sorted(set(site.rglob("*.html")) - set((site / "_static").rglob("*"))):
        page = _read(file)
        for link in [*page.links, *page.loaded]:
            if not _leads_somewhere(file, link, loads=link in page.loaded):
                yield f"{file.relative_to(site)}: {link}"
    for file in sorted(site.rglob("*.css")):
        for found in LOADED.findall(file.read_text(encoding="utf-8")):
            yield f"{file.relative_to(site)}: {found}"


@cache
def _read(file: Path) -> _Page:
    page = _Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def _leads_somewhere(file: Path, link: str, *, loads: bool) -> bool:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto") or parts.netloc:
        return not loads
    if parts.scheme:
        return parts.scheme == "data"
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_file():
        return False
    return not parts.fragment or target.suffix != ".html" or unquote(parts.fragment) in _read(target).ids
