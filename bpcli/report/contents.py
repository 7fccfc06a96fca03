"""What a report consists of: sections of blocks, which are words, numbers and drawn pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bpcli.nn import Array


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str

    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Facts:
    """What is so, by what it is called: pairs of a term and a text."""

    pairs: Sequence[tuple[str, str]]

    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Picture:
    """A drawn picture: an ``svg`` element, which has a title and a description of its own; ``caption`` is below it."""

    svg: str
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, as far as there is room."""

    pictures: Sequence[Picture]

    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small grey image in a cell, (height, width) of bytes; ``alt`` says of what."""

    grey: Array
    alt: str


Cell = str | Thumbnail


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header; the first cell of a row names it. ``numbers`` are the columns set to the right."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] = frozenset()
    note: str = ""

    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Code:
    """Lines to copy, as they are; ``label`` says what they are."""

    label: str
    lines: Sequence[str]

    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class More:
    """Blocks that are shown on request, and are not printed."""

    summary: str
    blocks: Sequence[Block]

    kind: ClassVar[str] = "more"


@dataclass(frozen=True)
class Beside:
    """Columns of blocks, side by side where there is room."""

    columns: Sequence[Sequence[Block]]

    kind: ClassVar[str] = "beside"


Block = Text | Facts | Pictures | Table | Code | More | Beside


@dataclass(frozen=True)
class Section:
    """Blocks below a heading; ``name`` is what the table of contents links to."""

    name: str
    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Headline:
    """The one number that a report is about: its value, what it is, and what to hold it against."""

    value: str
    what: str
    against: str = ""


@dataclass(frozen=True)
class Report:
    """A whole report; ``lead`` says in a sentence or two what came out, ``warnings`` what to know of it."""

    title: str
    lead: str
    headline: Headline | None
    sections: Sequence[Section]
    warnings: Sequence[str] = ()
    about: str = ""
