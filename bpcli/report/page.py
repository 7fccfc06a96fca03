"""A report as one HTML file: the template filled in, every text of the data as text and nothing else."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64encode
from functools import cache
from importlib import resources
from types import ModuleType
from typing import Any

from bpcli import __version__
from bpcli.extras import library
from bpcli.nn import Array
from bpcli.report.contents import Report, Thumbnail
from bpcli.web import WebPage, isolated, visible

TEMPLATE, STYLE = "report.html.jinja", "report.css"

UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that a page does not show or a file cannot hold; a line break becomes an escape too."""

SCALE = 6
"""How many pixels of the screen the shortest side of a thumbnail has for each of its own, 48 in all at most."""


def html(report: Report) -> str:
    """The whole file.

    Raises:
        ConfigError: Jinja2 is not installed.
    """
    body = _environment().get_template(TEMPLATE).render(report=report, version=__version__)
    return WebPage(_shown(report.title), body, styles=[_own(STYLE)], pictures=True).html()


def require_template_library() -> ModuleType:
    """Jinja2.

    Raises:
        ConfigError: it is not installed.
    """
    return library("jinja2", "report", "writing a report needs Jinja2")


@cache
def _environment() -> Any:
    jinja2 = require_template_library()
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_own),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )
    markup = jinja2.utils.markupsafe.Markup
    environment.filters["isolated"] = lambda text: markup(isolated(_shown(text)))
    environment.filters["drawn"] = markup
    environment.filters["address"] = lambda picture: png_address(picture.grey)
    environment.tests["thumbnail"] = lambda cell: isinstance(cell, Thumbnail)
    return environment


def _own(name: str) -> str:
    """A file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _shown(value: Any) -> Any:
    """A text with escapes for what cannot be seen; anything else, markup of our own among it, as it is."""
    if type(value) is not str:
        return value
    return visible(UNSEEN.sub(lambda found: ascii(found[0])[1:-1], value))


def png_address(grey: Array) -> str:
    """A grey image, (height, width) of bytes, as a ``data:`` address of a PNG file (W3C, PNG Specification, 2003)."""
    height, width = grey.shape
    lines = b"".join(b"\0" + line.tobytes() for line in grey)  # 0: the line as it is
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, grey
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return f"data:image/png;base64,{b64encode(file).decode()}"
