"""Learning curves: how loss and metric went, epoch by epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.figures.figure import Axis, Band, Figure, Line, Mark, Panel, Points
from bpcli.figures.subject import Subject
from bpcli.nn import Array
from bpcli.runs.comparison import RecordedRun, differing_settings
from bpcli.runs.epoch_rows import NOT_MEASURED

VALIDATION = "val_"

LOG_FROM = 30
"""From which ratio of the largest to the smallest loss its axis is logarithmic."""


@dataclass(frozen=True)
class Curves:
    """Loss and metric of the training and the validation part over the epochs, the kept epoch marked.

    Training values are running ones: each batch counts before its own update, so they lag behind the validation ones,
    which are of the end of the epoch. Runs of one config with other seeds, or other folds, are shown together: a line
    through the medians, and a band from the lowest to the highest.
    """

    several: ClassVar[bool] = True

    def objection(self, run: Subject) -> str:
        """There must be an epoch."""
        return "" if run.recorded.epochs else "no epoch of it has ended"

    def figure(self, runs: Sequence[Subject]) -> Figure:
        """A panel of the loss, and one of the first metric."""
        return curves_of([run.recorded for run in runs])


def curves_of(runs: Sequence[RecordedRun]) -> Figure:
    """The learning curves of runs with at least an epoch each."""
    groups = _groups(runs)
    metric = _metric(runs)
    names = ["loss", *([metric] if metric else [])]
    panels = tuple(_panel(groups, name) for name in names)
    return Figure(_title(runs), panels, tuple(_notes(groups)))


def _title(runs: Sequence[RecordedRun]) -> str:
    if len(runs) == 1:
        return f"{runs[0].folder.name}: learning curves"
    return f"learning curves of {len(runs)} runs"


def _groups(runs: Sequence[RecordedRun]) -> dict[str, list[RecordedRun]]:
    """Runs that differ in their seed or fold alone, by the settings in which they differ from the others."""
    keys = [key for key in differing_settings([*runs]) if key not in SAME_BUT_FOR]
    groups: dict[str, list[RecordedRun]] = {}
    for run in runs:
        label = ", ".join(f"{key.rpartition('.')[2]}={_word(run.settings.get(key))}" for key in keys)
        groups.setdefault(label, []).append(run)
    return groups


SAME_BUT_FOR = ("seed", "data.split.seed", "data.split.fold")
"""The settings in which runs of one group may differ."""


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _metric(runs: Sequence[RecordedRun]) -> str:
    """The first metric that every run has, as training has it or by validation alone; none where there is none."""
    known = [[_plain(name) for name in run.epochs[0] if name not in NOT_MEASURED] for run in runs]
    common = [name for name in known[0] if name != "loss" and all(name in others for others in known)]
    return next(iter(common), "")


def _plain(name: str) -> str:
    return name.removeprefix(VALIDATION)


def _panel(groups: dict[str, list[RecordedRun]], name: str) -> Panel:
    """The curves of one quantity: training and validation of each group."""
    marks: list[Mark] = []
    look = 0
    for label, group in groups.items():
        for column, part in ((name, "training"), (VALIDATION + name, "validation")):
            if any(column in run.epochs[0] for run in group):
                shown = f"{label}, {part}" if label else part
                marks += _curve(group, column, shown, look)
                look += 1
        marks += _kept(group, name, named=group is next(reversed(groups.values())))
    values = [mark.y for mark in marks if isinstance(mark, Line)]
    return Panel(tuple(marks), "", Axis("epoch", whole=True), Axis(name, log=name == "loss" and _is_wide(values)))


def _curve(group: Sequence[RecordedRun], column: str, name: str, look: int) -> Iterator[Mark]:
    """The line of a group's medians; with several runs, the band from the lowest to the highest."""
    epochs = np.arange(1, max(len(run.epochs) for run in group) + 1)
    values = np.full((len(group), len(epochs)), np.nan)
    for row, run in zip(values, group, strict=True):
        row[: len(run.epochs)] = [epoch.get(column, np.nan) for epoch in run.epochs]
    values[~np.isfinite(values)] = np.nan
    if len(group) > 1:
        yield Band(epochs, _by_epoch(np.min, values), _by_epoch(np.max, values), look=look)
    yield Line(epochs, _by_epoch(np.median, values), name, look)


def _by_epoch(summary: object, values: Array) -> Array:
    """A summary of each column's values, those that are NaN left out; NaN where all are."""
    assert callable(summary)
    columns = [column[~np.isnan(column)] for column in values.T]
    return np.array([summary(column) if len(column) else np.nan for column in columns])


def _kept(group: Sequence[RecordedRun], name: str, *, named: bool) -> Iterator[Mark]:
    """A point at the kept epoch of each run, on the curve of validation where it has one."""
    places = []
    for run in group:
        if 0 < run.kept_epoch <= len(run.epochs):
            row = run.epochs[run.kept_epoch - 1]
            places.append((run.kept_epoch, row.get(VALIDATION + name, row.get(name, np.nan))))
    if places:
        x, y = np.array(places, float).T
        yield Points(x, y, "kept epoch" if named else "", strong=True)


def _is_wide(values: Sequence[Array]) -> bool:
    """Whether values above 0 spread over more than a power of ten or so."""
    joined = np.concatenate([*values, np.empty(0)])
    finite = joined[np.isfinite(joined)]
    return bool(len(finite)) and finite.min() > 0 and finite.max() > LOG_FROM * finite.min()


def _notes(groups: dict[str, list[RecordedRun]]) -> Iterator[str]:
    for label, group in groups.items():
        prefix = f"{label}: " if label else ""
        for run in group[:1] if len(group) == 1 else ():
            yield f"{prefix}{len(run.epochs)} epochs, epoch {run.kept_epoch} kept."
        if len(group) > 1:
            yield f"{prefix}{len(group)} runs: a line through their medians, a band from the lowest to the highest."
        for run in group:
            if (run.record["ended"] or "").startswith("training diverged"):
                yield f"{run.folder.name}: {run.record['ended']}."
