"""The text of a config: what was suggested, with a comment on what was assumed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpcli.config.advice import is_valid
from bpcli.config.document import dump
from bpcli.config.schema import Config
from bpcli.data.files.dataset import Format
from bpcli.data.warnings import listed
from bpcli.errors import printable
from bpcli.starting.inspection import Inspection
from bpcli.starting.suggestion import Suggestion

TASKS = {
    "half_squared_error": "a regression: half_squared_error is ½ (a − y)²",
    "binary_cross_entropy": "two classes; the second in their order is the positive one",
    "cross_entropy": "one of several classes",
}
"""What each loss that is suggested is for."""

AGAINST_IMBALANCE = ("accuracy", "balanced_accuracy", "f1", "matthews_correlation")
"""Metrics that together show how a rare class fares."""


@dataclass(frozen=True)
class Line:
    """A key with its value and the comments above it; ``off`` comments it out."""

    key: str
    value: Any
    comments: list[str] = field(default_factory=list)
    off: bool = False

    def text(self, indent: str) -> Iterator[str]:
        """Its lines."""
        for comment in self.comments:
            yield f"{indent}# {printable(comment)}"
        written = dump({self.key: self.value}).rstrip("\n")
        for line in written.removeprefix("{").removesuffix("}" * written.startswith("{")).splitlines():
            yield f"{indent}{'# ' if self.off else ''}{line}"


def text_of(table: Inspection, suggestion: Suggestion, folder: Path) -> str:
    """The config, for a file in ``folder``."""
    path = table.pair.features
    lines = [
        f"# A first config for {printable(Path(path).name)}: {table.size:,} rows, {len(table.names)} columns.",
        "# It is yours to change; bp config show FILE --inputs lists what columns become.",
        "data:",
    ]
    for line in _data(table, suggestion, folder):
        lines += line.text("  ")
    for line in _rest(suggestion):
        lines += line.text("")
    return "\n".join(lines) + "\n"


def assumptions(table: Inspection, suggestion: Suggestion) -> list[str]:
    """What was assumed, a line each."""
    lines = [f"target {table.target}: {_target_in_words(table)}, so loss {suggestion.loss}"]
    if not table.form.header:
        lines.append("the first row is an example, so columns are called 0, 1, …")
    if table.form.decimal != "." or table.form.thousands:
        thousands = f", {table.form.thousands!r} between thousands" if table.form.thousands else ""
        lines.append(f"numbers have the decimal mark {table.form.decimal!r}{thousands}")
    lines += [f"{', '.join(map(repr, words))} in {name} means missing" for name, words in table.words.items()]
    lines += [f"{name} is read as {kind}" for name, kind in table.types.items()]
    lines += [f"left out: {line}" for line in _left_out(table)]
    if suggestion.rarest:
        lines.append(f"{suggestion.rarest!r} is rare among the classes: see the comments on weights and metrics")
    if not suggestion.held_out:
        lines.append("too few rows to hold any out")
    return lines


def _target_in_words(table: Inspection) -> str:
    if table.labels is None:
        return "numbers, a regression"
    return f"{len(table.labels)} classes, {_counted(table.labels)}"


def _counted(labels: Mapping[str, int]) -> str:
    return listed([f"{label} ({count:,})" for label, count in sorted(labels.items(), key=lambda item: -item[1])])


def _left_out(table: Inspection) -> list[str]:
    """By reason, the columns that are left out."""
    reasons = dict.fromkeys(table.drop.values())
    return [f"{listed([name for name in table.drop if table.drop[name] == reason])}: {reason}" for reason in reasons]


def _data(table: Inspection, suggestion: Suggestion, folder: Path) -> Iterator[Line]:
    yield from _files(table, folder)
    by_file = table.pair.targets is not None
    if not by_file:
        yield Line("target", table.target, [_target_in_words(table)])
    if table.drop:
        yield Line("drop", list(table.drop), _left_out(table))
    if table.types:
        yield Line("types", table.types, ["number, category, date or drop, where cells do not show it by themselves"])
    if table.words:
        comments = [f"{name}: {', '.join(map(repr, words))}" for name, words in table.words.items()]
        yield Line("missing", list(table.form.missing), comments)
    for key in ("header", "decimal", "thousands"):
        if getattr(table.form, key) != getattr(Format(), key):
            yield Line(key, getattr(table.form, key))
    if suggestion.held_out:
        kind = "" if table.labels is None else ", stratified by class"
        yield Line(
            "split",
            {"validation": suggestion.held_out, "test": suggestion.held_out},
            [f"drawn at random{kind}: the best epoch is kept by the validation part, the test part judges it once"],
        )
    if suggestion.rarest:
        comment = f"for the rare {suggestion.rarest}, if missing it costs more:"
        yield Line("class_weight", "balanced", [comment], off=True)


def _files(table: Inspection, folder: Path) -> Iterator[Line]:
    features, targets = (
        None if path is None else os.path.relpath(path, folder) for path in (table.pair.features, table.pair.targets)
    )
    if targets is None:
        yield Line("path", features)
    else:
        yield Line("path", {"features": features, "targets": targets}, [f"the targets: {_target_in_words(table)}"])


def _rest(suggestion: Suggestion) -> Iterator[Line]:
    yield Line("network", {"hidden": suggestion.hidden}, ["widths of the hidden layers; activation: relu"])
    yield Line("loss", suggestion.loss, [TASKS[suggestion.loss]])
    if suggestion.rarest:
        metrics = [name for name in AGAINST_IMBALANCE if is_valid(f"metrics={name}", Config)]
        if len(metrics) > 1:
            yield Line("metrics", metrics, ["accuracy alone says little of a rare class:"], off=True)
        if suggestion.held_out:
            comment = "val_loss counts every example alike, also with class_weight; with those metrics, by classes:"
            yield Line("keep", {"name": "best", "monitor": "val_balanced_accuracy"}, [comment], off=True)
    trainer = {
        "name": "adam",
        "learning_rate": suggestion.learning_rate,
        "batch_size": suggestion.batch_size,
    }
    yield Line("optimizer", trainer, ["mini-batches; smaller steps if the loss jumps, larger ones if it creeps"])
    yield Line("epochs", suggestion.epochs)
    if suggestion.held_out and is_valid("early_stopping={patience: 20}", Config):
        comment = "to stop once validation has not improved for so many epochs:"
        yield Line("early_stopping", {"patience": 20}, [comment], off=True)
