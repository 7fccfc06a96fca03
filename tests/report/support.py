"""A run whose file has names and cells that would be markup, and reports read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from bpcli.config.reading import read_config
from bpcli.experiment import build
from bpcli.report.contents import Beside, Block, More, Report, Table
from bpcli.runs.execution import Execution
from bpcli.runs.folder import create_run
from tests.cli.support import write_config, write_table

SCRIPT = "</script><script>document.title='run'</script>"
PICTURE = "<img src=x onerror=\"document.title='run'\">"
TURNED = "\u202egpj.exe\u2066"
QUOTED = "\" onmouseover='document.title=1' x=\""

CONFIG = """
    seed: 3
    data:
      path: "<b>rows<b> & co.csv"
      target: "<i>class</i>"
      split: {validation: 0.2, test: 0.3}
    network: {hidden: [6]}
    loss: cross_entropy
    optimizer: {name: adam, learning_rate: 0.05}
    expect: ["test_accuracy >= 1.1"]
    epochs: 4
"""


def hostile_run(folder: Path) -> Path:
    """A trained run of three classes; a column is a number with gaps, one words."""
    rng = np.random.default_rng(0)
    classes = [SCRIPT, TURNED, "a\x00b\nc"]
    rows: list[list[object]] = []
    for place in range(90):
        word = [PICTURE, QUOTED, "plain"][int(rng.integers(3))]
        size = "" if place % 9 == 0 else float(rng.normal(place % 3, 0.5))
        rows.append([word, size, f"row {place}", classes[place % 3].replace("\x00", "\x01")])
    write_table(folder / "<b>rows<b> & co.csv", [PICTURE, "size", "unused", "<i>class</i>"], rows)
    config = write_config(folder / "hostile.yaml", CONFIG)
    return trained(config, folder / "run<i>", "data.drop=[unused]")


def trained(config: Path, run: Path, *changes: str) -> Path:
    """The folder of a run that has ended."""
    built = build(read_config(config, [*changes]))
    for _ in Execution(built, partial(create_run, built, config.stem, run)).events():
        pass
    return run


def tables(report: Report) -> dict[str, Table]:
    """Every table of a report by its caption."""
    return {
        block.caption: block
        for section in report.sections
        for block in flat(section.blocks)
        if isinstance(block, Table)
    }


def flat(blocks: object) -> Iterator[Block]:
    """Blocks, and those within them."""
    assert isinstance(blocks, list | tuple)
    for block in blocks:
        if isinstance(block, More):
            yield from flat(block.blocks)
        elif isinstance(block, Beside):
            for column in block.columns:
                yield from flat(column)
        else:
            yield block


@dataclass
class Element:
    """An element of a page: its tag, its attributes and all text in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """The elements of a page in their order, and which of them were not closed."""

    html: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """The elements with one of these tags."""
        return [element for element in self.elements if element.tag in tags]
