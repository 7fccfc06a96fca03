"""Learning curves: how loss and metric went, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.figures.figure import Axis, Band, Figure, Line, Mark, Panel, Points
from bpcli.figures.plotted_run import PlottedRun
from bpcli.figures.words import LONGEST
from bpcli.nn import Array
from bpcli.runs.comparison import RecordedRun, differing_settings
from bpcli.runs.epoch_rows import NOT_MEASURED
from bpcli.runs.setting_words import alike_but_for_chance

VALIDATION = "val_"

LOG_FROM = 30
"""From which ratio of the largest to the smallest loss its axis is logarithmic."""

MOST_GROUPS = 8
"""How many groups are shown, because more cannot be told apart."""


@dataclass(frozen=True)
class Curves:
    """Loss and metric of the training and the validation part over the epochs, the kept epoch marked.

    Training values are running ones: each batch counts before its own update, so they lag behind the validation ones,
    which are of the end of the epoch. Runs of one config with other seeds, or other folds, are shown together: a line
    through the medians, and a band from the lowest to the highest. Of runs that differ otherwise the validation part
    alone is shown, or the training part where they have no other.
    """

    several: ClassVar[bool] = True
    of_part: ClassVar[bool] = False

    def objection(self, run: PlottedRun) -> str:
        """There must be an epoch."""
        return "" if run.recorded.epochs else "no epoch of it has ended"

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """A panel of the loss, and one of the first metric."""
        return curves_of([run.recorded for run in runs])


def curves_of(runs: Sequence[RecordedRun]) -> Figure:
    """The learning curves of runs with at least an epoch each; of many settings those of the first ones."""
    groups = alike_but_for_chance(runs, differing_settings([*runs]), LONGEST)
    shown = dict(list(groups.items())[:MOST_GROUPS])
    names = ["loss", *filter(None, [_metric(runs)])]
    panels = tuple(curve_panel(shown, name) for name in names)
    title = f"{runs[0].folder.name}: learning curves" if len(runs) == 1 else f"learning curves of {len(runs)} runs"
    return Figure(title, panels, (*_notes(shown), *_left_out(len(groups))))


def _metric(runs: Sequence[RecordedRun]) -> str:
    """The first metric that every run has, of either part; none where there is none."""
    known = [{name.removeprefix(VALIDATION): None for name in run.epochs[0]} for run in runs]
    common = [name for name in known[0] if all(name in others for others in known)]
    return next((name for name in common if name not in (*NOT_MEASURED, "loss")), "")


def curve_panel(groups: dict[str, list[RecordedRun]], name: str) -> Panel:
    """The curves of one quantity: training and validation of a group, or one of the two of each of several."""
    marks: list[Mark] = []
    for label, group in groups.items():
        there = {name: "training", VALIDATION + name: "validation"}
        columns = [column for column in there if any(column in run.epochs[0] for run in group)]
        for column in columns if len(groups) == 1 else columns[-1:]:
            series = sum(isinstance(mark, Line) for mark in marks)
            marks += _curve(group, column, label or there[column], series)
    points = [point for group in groups.values() for point in _kept(group, name)]
    if points:
        x, y = np.array(points, float).T
        marks.append(Points(x, y, "kept epoch", strong=True))
    values = [mark.y for mark in marks if isinstance(mark, Line)]
    return Panel(tuple(marks), "", Axis("epoch", whole=True), Axis(name, log=name == "loss" and _is_wide(values)))


def _curve(group: Sequence[RecordedRun], column: str, name: str, series: int) -> Iterator[Mark]:
    """The line of a group's medians; with several runs, the band from the lowest to the highest."""
    epochs = np.arange(1, max(len(run.epochs) for run in group) + 1)
    values = np.full((len(group), len(epochs)), np.nan)
    for row, run in zip(values, group, strict=True):
        row[: len(run.epochs)] = [epoch.get(column, np.nan) for epoch in run.epochs]
    values[~np.isfinite(values)] = np.nan
    if len(group) > 1:
        yield Band(epochs, _by_epoch(np.nanmin, values), _by_epoch(np.nanmax, values), series=series)
    yield Line(epochs, _by_epoch(np.nanmedian, values), name, series)


def _by_epoch(summary: Callable[..., Any], values: Array) -> Array:
    """A summary of each column's values, which leaves out those that are NaN; NaN where all are."""
    summaries = np.full(values.shape[1], np.nan)
    there = ~np.isnan(values).all(axis=0)
    summaries[there] = summary(values[:, there], axis=0)
    return summaries


def _kept(group: Sequence[RecordedRun], name: str) -> Iterator[tuple[float, float]]:
    """The kept epoch of each run, and its value, of validation where there is one."""
    for run in group:
        if 0 < run.kept_epoch <= len(run.epochs):
            row = run.epochs[run.kept_epoch - 1]
            yield run.kept_epoch, row.get(VALIDATION + name, row.get(name, np.nan))


def _is_wide(values: Sequence[Array]) -> bool:
    """Whether values above 0 spread over more than a power of ten or so."""
    joined = np.concatenate([*values, np.empty(0)])
    finite = joined[np.isfinite(joined)]
    return bool(len(finite)) and finite.min() > 0 and finite.max() > LOG_FROM * finite.min()


def _notes(groups: dict[str, list[RecordedRun]]) -> Iterator[str]:
    if len(groups) > 1:
        validated = all(any(VALIDATION + "loss" in run.epochs[0] for run in group) for group in groups.values())
        yield f"{'Validation' if validated else 'The last measured'} part of each."
    for label, group in groups.items():
        prefix = f"{label}: " if label else ""
        if len(group) > 1:
            yield f"{prefix}{len(group)} runs, a line through their medians, a band from the lowest to the highest."
        else:
            yield f"{prefix}{len(group[0].epochs)} epochs, epoch {group[0].kept_epoch} kept."
        yield from (f"{run.folder.name}: {run.record['ended']}." for run in group if _diverged(run))


def _diverged(run: RecordedRun) -> bool:
    return (run.record["ended"] or "").startswith("training diverged")


def _left_out(groups: int) -> Iterator[str]:
    if groups > MOST_GROUPS:
        yield f"The first {MOST_GROUPS} of {groups} settings are shown."
