"""What a report says of runs in their order: a table, how far they are spread, their curves, how to repeat them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path
from shlex import quote
from statistics import median

from bpcli.figures.kinds.curves import curves_of
from bpcli.report.contents import Block, Code, More, Section, Table, Text
from bpcli.report.pictures import drawn
from bpcli.report.results import SHARES, shown
from bpcli.report.wording import clipped, count
from bpcli.runs.comparison import RecordedRun, ranking_metric
from bpcli.runs.intervals import Interval
from bpcli.runs.setting_words import short_keys, short_values

MOST_ROWS, MOST_LISTED = 25, 500
"""How many runs are shown at once, and how many with those that are shown on request."""

MOST_METRICS, MOST_SETTINGS = 6, 6
"""How many metrics and how many settings have a column."""


def table_of_runs(ranked: Sequence[RecordedRun], settings: list[str], metric: str, folder: Path) -> list[Block]:
    """A table of the first runs, and one of the others."""
    metrics = _metrics(ranked, metric)
    columns = {
        key: short_values([run.settings.get(name) for run in ranked])
        for name, key in zip(settings[:MOST_SETTINGS], short_keys(settings, metrics)[:MOST_SETTINGS], strict=True)
    }
    header = ["run", *columns, "ended", "kept epoch", *metrics]
    rows = [
        [
            run_name(run, folder),
            *(clipped(values[place]) for values in columns.values()),
            _ended(run),
            str(run.kept_epoch or "–"),
            *(final_value(run, name) for name in metrics),
        ]
        for place, run in enumerate(ranked)
    ]
    numbers = frozenset(range(len(columns) + 2, len(header)))
    blocks: list[Block] = [Table("Runs, best first", header, rows[:MOST_ROWS], numbers)]
    if len(rows) > MOST_ROWS:
        note = f"The best {MOST_LISTED:,} of {len(rows):,} runs; bp runs --csv has them all."
        rest = rows[MOST_ROWS:MOST_LISTED]
        table = Table("The next runs", header, rest, numbers, note if len(rows) > MOST_LISTED else "")
        blocks.append(More(f"The next {count(len(rest), 'run')}", [table]))
    return blocks


def run_name(run: RecordedRun, folder: Path) -> str:
    """The run's folder, as it is called from ``folder``."""
    relative = run.folder.relative_to(folder) if run.folder.is_relative_to(folder) else run.folder
    return clipped(str(relative) if str(relative) != "." else run.folder.resolve().name)


def _metrics(runs: Sequence[RecordedRun], first: str) -> list[str]:
    """The metrics that have a column: that of the order, those of held-out parts, then the others."""
    known = dict.fromkeys(name for run in runs for name in run.final)
    held_out = [name for name in known if name.startswith(("test_", "val_"))]
    return list(dict.fromkeys([first, *held_out, *known]))[:MOST_METRICS]


def _ended(run: RecordedRun) -> str:
    return clipped((run.record["ended"] or "unfinished").partition(":")[0], 30)


def spread(runs: Sequence[RecordedRun]) -> Section:
    """The section with the lowest, the median and the highest of every metric."""
    rows = []
    for metric in _metrics(runs, ranking_metric([*runs], None)):
        values = final_values(runs, metric)
        if values:
            summary = (min(values), median(values), max(values))
            rows.append([metric, f"{len(values):,}", *(shown(plain_metric(metric), value) for value in summary)])
    header = ("metric", "runs", "lowest", "median", "highest")
    table = Table("Final metrics over the runs", header, rows, frozenset(range(1, 5)))
    return Section("spread", "How far they are spread", [table])


def training(ranked: Sequence[RecordedRun]) -> Section:
    """The section with their curves."""
    trained = [run for run in ranked if run.epochs]
    curves = drawn([curves_of(trained)]) if trained else [Text("No epoch has ended.")]
    return Section("training", "How training went", curves)


def repeating_best(ranked: Sequence[RecordedRun], folder: Path) -> Section:
    """The section with commands on the first run."""
    best = quote(str(ranked[0].folder))
    commands = [f"bp report {best}", f"bp verify {best}", f"bp runs {quote(str(folder))} --csv"]
    text = "The first command reports on the best run by itself, the second trains it again and compares, bit for bit."
    return Section("repeat", "How to repeat it", [Text(text), Code("Commands", commands)])


def metric_words(metric: str) -> str:
    """``test accuracy`` for ``test_accuracy``, ``validation loss`` for ``val_loss``."""
    for prefix, words in (("val_", "validation "), ("test_", "test ")):
        if metric.startswith(prefix):
            return words + metric.removeprefix(prefix).replace("_", " ")
    return "training " + metric.replace("_", " ")


def plain_metric(metric: str) -> str:
    """``accuracy`` for ``test_accuracy``."""
    return metric.removeprefix("val_").removeprefix("test_")


def final_values(runs: Sequence[RecordedRun], metric: str) -> list[float]:
    """A metric of those runs that have it."""
    return [run.final[metric] for run in runs if not isnan(run.final.get(metric, float("nan")))]


def final_value(run: RecordedRun, metric: str) -> str:
    """A metric of one run; a dash where it has none."""
    value = run.final.get(metric)
    return "–" if value is None else shown(plain_metric(metric), value)


def interval_cells(of: Interval, metric: str) -> list[str]:
    """The number of runs, their mean and its interval, shares of examples within 0 and 1."""
    name = plain_metric(metric)
    low, high = (min(max(end, 0.0), 1.0) if name in SHARES else end for end in (of.low, of.high))
    bounds = "–" if isnan(of.low) else f"{shown(name, low)} to {shown(name, high)}"
    return [f"{of.runs:,}", shown(name, of.mean), bounds]
