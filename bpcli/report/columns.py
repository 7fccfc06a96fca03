"""The data of a run: each column's kind, gaps and range, and what the network is given in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from bpcli.data.encoding.inputs import Input
from bpcli.data.encoding.targets import judging_of
from bpcli.data.loading import Loaded
from bpcli.data.raw import RawData
from bpcli.diagnosis.table import Column, Limits, Table
from bpcli.nn import Array
from bpcli.report import contents
from bpcli.report.contents import Block, More, Section, Text
from bpcli.report.wording import clipped, count, listed, number, percent
from bpcli.reporting.pixels import image_shape
from bpcli.runs.model_file import Model

SEEN = Limits(rows=100_000, columns=400)
"""How much of the data is looked at."""

SHOWN = 12
"""How many columns are shown at once; the others on request."""

MOST_CLASSES = 12
"""Of more classes no table says how many examples each has."""

MOST_TARGETS = 50_000_000
"""Of more numbers among the targets the classes are not counted."""


@dataclass(frozen=True)
class ColumnFacts:
    """A column as its file has it: its kind, the missing share of its cells, and in words what they range over."""

    name: str
    kind: str
    missing: float
    spread: str
    target: bool = False


@dataclass(frozen=True)
class DataFacts:
    """What was seen of the data before they were encoded; ``sample`` says how much, where that is not all.

    ``range`` is that of all features that are numbers.
    """

    columns: Sequence[ColumnFacts]
    range: str
    sample: str
    unused: Sequence[str]


class DataLook:
    """What sees the data while they are loaded, and notes the facts; it warns of nothing.

    ``serving`` are columns that are no inputs and still used, such as that of the weights.
    """

    facts: DataFacts | None = None

    def __init__(self, serving: Collection[str] = ()) -> None:
        self.serving = serving

    def __call__(self, raw: RawData) -> list[str]:
        """Note the facts."""
        table, names = Table(raw, SEEN), raw.dataset("train").names
        used = {*raw.features, *raw.targets, *self.serving}
        found = [_facts(one) for one in table.features] + [_facts(one, target=True) for one in table.targets]
        unused = [name for name in names if name not in used]
        self.facts = DataFacts(found, _range(table), table.seen, unused)
        return []


def _range(table: Table) -> str:
    """From the lowest number of the features to the highest."""
    numbers = [values for one in table.features if one.kind == "number" for values in one.values.values()]
    low, high = (extreme(list(map(extreme, numbers)), initial=np.nan) for extreme in (np.fmin.reduce, np.fmax.reduce))
    return f"{number(low)} to {number(high)}" if numbers else ""


def _facts(column: Column, *, target: bool = False) -> ColumnFacts:
    values = np.concatenate(list(column.values.values()))
    present = values[~np.isnan(values)]
    missing = 1 - len(present) / max(1, len(values))
    return ColumnFacts(column.name, column.kind, missing, _spread(column, present), target)


def _spread(column: Column, present: Array) -> str:
    """``4.3 to 7.9``, or ``3 values: a, b, c`` with the commonest first."""
    if not len(present):
        return "no value"
    if column.kind == "category":
        words, times = list(column.words), np.bincount(present.astype(np.intp), minlength=len(column.words))
        common = [words[place] for place in np.argsort(-times, kind="stable")]
        return f"{count(len(words), 'value')}: {listed(common, 4)}"
    low, high = present.min(), present.max()
    if column.kind == "date":
        return f"{_date(low)} to {_date(high)}"
    return f"always {number(low)}" if low == high else f"{number(low)} to {number(high)}"


def _date(seconds: float) -> str:
    return (datetime.min + timedelta(seconds=float(seconds))).isoformat(" ", "minutes").removesuffix(" 00:00")


def data_section(
    loaded: Loaded, facts: DataFacts, model: Model, names: Sequence[object], order: Sequence[str]
) -> Section:
    """The section; ``names`` are those of the classes, and the columns of ``order`` come first."""
    blocks: list[Block] = [Text(f"{loaded.features.summary}.")]
    if facts.sample:
        blocks.append(Text(f"Gaps and ranges are those of {facts.sample}."))
    if facts.unused:
        blocks.append(Text(f"Not used: {listed(facts.unused, 12)}."))
    made, shape = _by_column(loaded.features.inputs), image_shape(loaded.features.inputs)
    tables = _columns(facts, made, order) if shape is None else [_images(facts, made, shape)]
    return Section("data", "The data", [*blocks, *tables, *_class_counts(loaded, model, names)])


def _by_column(inputs: Sequence[Input]) -> dict[str, list[Input]]:
    made: dict[str, list[Input]] = {}
    for each in inputs:
        made.setdefault(each.column, []).append(each)
    return made


HEADER = ("column", "kind", "missing", "values", "the network gets")


def _columns(facts: DataFacts, made: Mapping[str, list[Input]], order: Sequence[str]) -> list[Block]:
    """A table of the targets and the first columns, and one of the others."""
    places = {name: place for place, name in enumerate(order)}
    features = sorted(
        (one for one in facts.columns if not one.target), key=lambda one: places.get(one.name, len(places))
    )
    first = [one for one in facts.columns if one.target] + (features if len(features) <= SHOWN else features[:SHOWN])
    left = features[SHOWN:]
    note = f"Of {len(features):,} columns the {SHOWN} that matter most." if left and order else ""
    blocks: list[Block] = [_table(CAPTION, first, made, note)]
    if left:
        table = _table("The other columns", left, made, "")
        blocks.append(More(f"The other {count(len(left), 'column')}", [table]))
    return blocks


CAPTION = "Columns of the file, and what became of them"


def _table(caption: str, facts: Sequence[ColumnFacts], made: Mapping[str, list[Input]], note: str) -> contents.Table:
    return contents.Table(caption, HEADER, _rows(facts, made), frozenset({2}), note)


def _rows(facts: Sequence[ColumnFacts], made: Mapping[str, list[Input]]) -> list[list[contents.Cell]]:
    return [
        [
            clipped(one.name),
            made[one.name][0].kind if made.get(one.name) else one.kind,
            percent(one.missing) if one.missing else "none",
            one.spread,
            "the target" if one.target else _became(made.get(one.name, [])),
        ]
        for one in facts
    ]


def _became(inputs: Sequence[Input]) -> str:
    """What the network is given for a column."""
    if not inputs:
        return "nothing"
    one = inputs[0]
    if one.shift is None or one.width is None:
        return f"{count(len(inputs), 'input')} of 0 or 1: {listed((each.part for each in inputs), 4)}"
    if len(inputs) > 1 or one.part:
        return f"{count(len(inputs), 'number')}: {listed(each.part for each in inputs)}"
    return "0, as it does not vary" if not one.width else _scaled(one.shift, one.width)


def _scaled(shift: float, width: float) -> str:
    if (shift, width) == (0, 1):
        return "x as it is"
    moved = f"(x {'+' if shift < 0 else '−'} {number(abs(shift))})" if shift else "x"
    return moved if width == 1 else f"{moved} / {number(width)}"


def _images(facts: DataFacts, made: Mapping[str, list[Input]], shape: tuple[int, int]) -> Block:
    """A table of the targets, and of all pixels in one row."""
    names, became = [clipped(name) for name in made], Counter(_became(inputs) for inputs in made.values())
    commonest = became.most_common(1)[0][0] + ("; some by a range of their own" if len(became) > 1 else "")
    pixels = [f"{names[0]} … {names[-1]}", f"{shape[0]} × {shape[1]} pixels", "", facts.range, commonest]
    rows: list[list[contents.Cell]] = [*_rows([one for one in facts.columns if one.target], made), [*pixels]]
    return contents.Table(CAPTION, HEADER, rows, frozenset({2}))


def _class_counts(loaded: Loaded, model: Model, names: Sequence[object]) -> list[Block]:
    """How many examples of each class every part has."""
    judging = judging_of(model.targets, model.network.head.activation.range)
    outputs = sum(part.size for part in loaded.parts.values()) * model.network.sizes[-1]
    if not judging.classes or len(names) > MOST_CLASSES or outputs > MOST_TARGETS:
        return []
    counts = []
    for part in loaded.parts.values():
        Y = model.network.targets(part.size, model.dtype)
        part.targets.gather(np.arange(part.size), Y)
        counts.append(np.bincount(judging.true_classes(Y), minlength=len(names)).tolist())
    header = ["part", *(clipped(str(name), 20) for name in names)]
    rows: list[list[contents.Cell]] = [
        [PARTS[part], *(f"{of_class:,}" for of_class in of_part)]
        for part, of_part in zip(loaded.parts, counts, strict=True)
    ]
    return [contents.Table("Examples of each class", header, rows, frozenset(range(1, len(header))))]


PARTS = {"train": "training", "validation": "validation", "test": "test"}
"""The parts, as they are called in a report."""
