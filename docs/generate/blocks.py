"""What a page has the reader do: files to write and commands to run, with what these print.

A block of ``sh`` is run. The block of ``text`` after it is what it prints, where ``…`` stands for anything, on a
line of its own for any lines. Other processors train to other last digits, so fractions need agree only roughly,
spaces and bars may be longer or shorter, and a picture's frame is compared without what is drawn in it. A block
whose first line is a comment with a file's name is that file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isclose

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# ([\w./-]+\.(?:yaml|py|csv))\n")

SETUP = "python3 -m venv"
"""How a block begins that sets up bp itself; it is left to ``.ci/run``."""

ANY = "…"

FRACTION = re.compile(r"(-?\d+(?:\.\d+(?:e[-+]\d+)?|e[-+]\d+))")
"""A number that is computed in floats."""


@dataclass(frozen=True)
class File:
    """A file that the page gives."""

    name: str
    text: str


@dataclass(frozen=True)
class Commands:
    """Commands, and what they print; None where the page does not say."""

    text: str
    printed: str | None = None


Step = File | Commands


def fences(page: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language and text."""
    return FENCE.findall(page)


def steps(page: str) -> list[Step]:
    """What a page has the reader do, in its order."""
    found: list[Step] = []
    blocks = fences(page)
    for place, (language, text) in enumerate(blocks, 1):
        named = FILE_NAME.match(text)
        next_language, following = blocks[place] if place < len(blocks) else ("", "")
        if named:
            found.append(File(named[1], text))
        elif language == "sh" and not text.startswith(SETUP):
            found.append(Commands(text, following if next_language == "text" else None))
    return found


def prints(printed: str, output: str) -> bool:
    """Whether an output is what a page shows."""
    expected = [_normal(line) for line in printed.strip().splitlines()]
    shown = "\n".join(_normal(line) for line in output.strip().splitlines())
    found = re.fullmatch("\n".join("(?:.*\n)*?.*" if line == ANY else _pattern(line) for line in expected), shown)
    fractions = [number for line in expected for number in FRACTION.findall(line)]
    return found is not None and all(map(_agree, fractions, found.groups()))


def _normal(line: str) -> str:
    """A line without the lengths of its spaces and bars, and without what a picture has within its frame."""
    unframed = re.sub(r"([│┤]).*│\s*$", r"\1", line)
    return re.sub(r"█+", "█", re.sub(r"[ ─]+", " ", unframed).strip())


def _pattern(line: str) -> str:
    parts = FRACTION.split(line)
    return FRACTION.pattern.join(re.escape(part).replace(ANY, ".*") for part in parts[::2])


def _agree(one: str, other: str) -> bool:
    return isclose(float(one), float(other), rel_tol=0.05, abs_tol=0.02)
