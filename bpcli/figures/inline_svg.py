"""Matplotlib's SVG made fit to stand inside of a page, among other pictures and under a strict security policy.

A policy without inline styles would drop ``style`` attributes, so they become attributes of their own. Ids are
unique in a page, so each begins with a digest of the picture. The colour of words and axes becomes that of the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from xml.etree import ElementTree as ET

from bpcli.errors import printable

INK = "#010203"
"""The colour of words and axes in what Matplotlib draws; nothing else has it."""

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"

REFERENCE = re.compile(r"url\(#([^)]+)\)")

STYLES = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
"""What Matplotlib's style sheet says of every element."""


def inlined(data: bytes, title: str, notes: Sequence[str]) -> str:
    """The ``svg`` element of Matplotlib's file, with ``title`` and ``notes`` for those who do not see it."""
    root = ET.fromstring(data)  # noqa: S314 - it was written by this process
    prefix = f"f{sha256(data + title.encode()).hexdigest()[:10]}-"
    for element in root.iter():
        _style_as_attributes(element)
        _own_reference(element, prefix)
    _own_ids(root, prefix)
    _remove_style_sheet(root)
    root.attrib |= {**STYLES, "role": "img", "aria-labelledby": f"{prefix}title {prefix}notes"}
    _describe(root, prefix, title, " ".join(notes))
    return ET.tostring(_without_namespaces(root), encoding="unicode", short_empty_elements=False)


def _style_as_attributes(element: ET.Element) -> None:
    """Replace the style attribute by one attribute for each property."""
    for declaration in filter(None, map(str.strip, element.attrib.pop("style", "").split(";"))):
        name, _, value = declaration.partition(":")
        element.set(name.strip(), value.strip())
    for name in ("fill", "stroke"):
        if element.get(name) == INK:
            element.set(name, "currentColor")


def _own_reference(element: ET.Element, prefix: str) -> None:
    """Let every reference of the element begin with the picture's prefix."""
    target = element.attrib.pop(f"{{{XLINK}}}href", None)
    if target is not None:
        element.set("href", f"#{prefix}{target[1:]}" if target.startswith("#") else re.sub(r"\s", "", target))
    for name, value in element.attrib.items():
        element.set(name, REFERENCE.sub(rf"url(#{prefix}\1)", value))


def _own_ids(root: ET.Element, prefix: str) -> None:
    """Keep the ids that something refers to, with the picture's prefix."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {value[1:] for value in values if value.startswith("#")}
    used |= {found for value in values for found in REFERENCE.findall(value)}
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name is not None and f"{prefix}{name}" in used:
            element.set("id", f"{prefix}{name}")


def _remove_style_sheet(root: ET.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}style", f"{{{SVG}}}metadata"):
                parent.remove(child)


def _describe(root: ET.Element, prefix: str, title: str, notes: str) -> None:
    for name, tag, text in (("notes", "desc", notes), ("title", "title", title)):
        element = ET.Element(f"{{{SVG}}}{tag}", {"id": f"{prefix}{name}"})
        element.text = printable(text)
        root.insert(0, element)


def _without_namespaces(root: ET.Element) -> ET.Element:
    """The same with plain tags, which is what HTML reads; the root states the namespace itself."""
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        element.tail = None
        element.text = element.text if element.tag in ("title", "desc") else None
        if "d" in element.attrib:
            element.set("d", " ".join(element.attrib["d"].split()))
    root.set("xmlns", SVG)
    return root
