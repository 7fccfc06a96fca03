"""The report of several runs: what differs between them, the best first, and how far their results are spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from pathlib import Path
from shlex import quote
from statistics import median

from bpcli.data.encoding.targets import judging_of
from bpcli.errors import DataError
from bpcli.figures.kinds.curves import curves_of
from bpcli.report.asked import asked
from bpcli.report.contents import Block, Code, Headline, More, Report, Section, Table, Text
from bpcli.report.pictures import drawn
from bpcli.report.results import SHARES, shown
from bpcli.report.wording import clipped, count, listed
from bpcli.reporting.evaluation import class_names
from bpcli.runs.comparison import (
    RecordedRun,
    differing_settings,
    find_runs,
    higher_is_better,
    rank_runs,
    ranking_metric,
)
from bpcli.runs.intervals import Interval, interval
from bpcli.runs.own_files import read_own_config
from bpcli.runs.reopen import reopen
from bpcli.runs.series import REFIT, SeriesRequest, read_series
from bpcli.runs.setting_words import SAME_BUT_FOR, alike_but_for_chance, short_keys, short_values

MOST_ROWS, MOST_LISTED = 25, 500
"""How many runs are shown at once, and how many with those that are shown on request."""

MOST_CURVES = 8
"""How many runs have their curves drawn, the best ones."""

MOST_METRICS, MOST_SETTINGS = 6, 6
"""How many metrics and how many settings have a column."""


def folder_report(folder: Path) -> Report:
    """The report of the runs below a folder.

    Raises:
        DataError: there is no run, or none can be read.
    """
    found, skipped = find_runs(folder)
    if not found:
        raise DataError("there are no runs below it", where=str(folder), hint="name a run, or a folder that holds some")
    metric = ranking_metric(found, None)
    ranked, settings = rank_runs(found, metric), differing_settings(found)
    best = ranked[0]
    sections = [
        Section("runs", "The runs, best first", [Text(_order(metric)), *_runs(ranked, settings, metric, folder)]),
        *_repetitions(ranked, settings, metric),
        Section("spread", "How far they are spread", [_spread(found)]),
        Section("training", "How training went", _curves(ranked)),
        Section("differ", "What differs", [_differences(found, settings)]),
        Section("repeat", "How to repeat it", _repeating(ranked, folder)),
    ]
    headline = Headline(
        _value(best, metric), f"{_words(metric)} of the best run, {_name(best, folder)}", _others(ranked, metric)
    )
    lead = f"{count(len(found), 'run')}, {_same_or_different(settings)}."
    return Report(f"Runs in {folder.resolve().name}", lead, headline, sections, [*_of_other_data(settings), *skipped])


def _of_other_data(settings: Sequence[str]) -> list[str]:
    """A warning where the runs are of several files: their results say nothing of one another."""
    if not {"data.path", "data.train.features", "data.target"} & {*settings}:
        return []
    return ["The runs are of different data or targets: only results on the same data can be compared."]


def _same_or_different(settings: Sequence[str]) -> str:
    if not settings:
        return "all of one config"
    return f"which differ in {listed(short_keys([*settings], []))}"


def _order(metric: str) -> str:
    better = "the highest" if higher_is_better(metric) else "the lowest"
    text = f"By {_words(metric)}, {better} first; what is said of a run is said of the parameters that it keeps."
    if metric.startswith("test_"):
        return (
            f"{text} The best of many by the test part looks better than it is: choose by a validation part, "
            "and look at the test part once."
        )
    return text


def _words(metric: str) -> str:
    """``test accuracy`` for ``test_accuracy``, ``validation loss`` for ``val_loss``."""
    for prefix, words in (("val_", "validation "), ("test_", "test ")):
        if metric.startswith(prefix):
            return words + metric.removeprefix(prefix).replace("_", " ")
    return "training " + metric.replace("_", " ")


def _value(run: RecordedRun, metric: str) -> str:
    value = run.final.get(metric)
    return "–" if value is None else shown(_plain(metric), value)


def _plain(metric: str) -> str:
    return metric.removeprefix("val_").removeprefix("test_")


def _name(run: RecordedRun, folder: Path) -> str:
    relative = run.folder.relative_to(folder) if run.folder.is_relative_to(folder) else run.folder
    return clipped(str(relative) if str(relative) != "." else run.folder.resolve().name)


def _others(ranked: Sequence[RecordedRun], metric: str) -> str:
    values = [run.final[metric] for run in ranked if not isnan(run.final.get(metric, float("nan")))]
    if len(values) < 2:
        return ""
    middle, last = (shown(_plain(metric), value) for value in (median(values), values[-1]))
    return f"The median is {middle}, the last {last}."


def _runs(ranked: Sequence[RecordedRun], settings: list[str], metric: str, folder: Path) -> list[Block]:
    """A table of the first runs, and one of the others."""
    metrics = _metrics(ranked, metric)
    columns = {
        key: short_values([run.settings.get(name) for run in ranked])
        for name, key in zip(settings[:MOST_SETTINGS], short_keys(settings, metrics)[:MOST_SETTINGS], strict=True)
    }
    header = ["run", *columns, "ended", "kept epoch", *metrics]
    rows = [
        [
            _name(run, folder),
            *(clipped(values[place]) for values in columns.values()),
            _ended(run),
            str(run.kept_epoch or "–"),
            *(_value(run, name) for name in metrics),
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


def _metrics(runs: Sequence[RecordedRun], first: str) -> list[str]:
    """The metrics that have a column: that of the order, those of held-out parts, then the others."""
    known = dict.fromkeys(name for run in runs for name in run.final)
    held_out = [name for name in known if name.startswith(("test_", "val_"))]
    return list(dict.fromkeys([first, *held_out, *known]))[:MOST_METRICS]


def _ended(run: RecordedRun) -> str:
    return clipped((run.record["ended"] or "unfinished").partition(":")[0], 30)


def _repetitions(ranked: Sequence[RecordedRun], settings: Sequence[str], metric: str) -> list[Section]:
    """Means over the runs that differ in their seed or fold alone; nothing where there are no such runs."""
    groups = alike_but_for_chance(ranked, settings)
    repeated = {label: group for label, group in groups.items() if len(group) > 1}
    if not repeated or len(groups) < 2:
        return []
    rows = [[clipped(label), *_interval(_interval_of(group, metric), metric)] for label, group in repeated.items()]
    header = ("settings", "runs", "mean", "95 % interval")
    table = Table(f"{_words(metric)} over runs that differ in seed or fold alone", header, rows, frozenset({1, 2, 3}))
    return [Section("repetitions", "Settings, over their repetitions", [table])]


def _interval_of(group: Sequence[RecordedRun], metric: str) -> Interval:
    return interval([run.final[metric] for run in group if metric in run.final] or [float("nan")])


def _interval(of: Interval, metric: str) -> list[str]:
    """The number of runs, their mean and its interval, shares of examples within 0 and 1."""
    name = _plain(metric)
    low, high = (min(max(end, 0.0), 1.0) if name in SHARES else end for end in (of.low, of.high))
    bounds = "–" if isnan(of.low) else f"{shown(name, low)} to {shown(name, high)}"
    return [f"{of.runs:,}", shown(name, of.mean), bounds]


def _spread(runs: Sequence[RecordedRun]) -> Block:
    """The lowest, the median and the highest of every metric."""
    rows = []
    for metric in _metrics(runs, ranking_metric([*runs], None)):
        values = [run.final[metric] for run in runs if not isnan(run.final.get(metric, float("nan")))]
        if values:
            summary = (min(values), median(values), max(values))
            rows.append([metric, f"{len(values):,}", *(shown(_plain(metric), value) for value in summary)])
    header = ("metric", "runs", "lowest", "median", "highest")
    return Table("Final metrics over the runs", header, rows, frozenset(range(1, 5)))


def _curves(ranked: Sequence[RecordedRun]) -> list[Block]:
    trained = [run for run in ranked if run.epochs]
    if not trained:
        return [Text("No epoch has ended.")]
    note = f"The {MOST_CURVES} best of {len(trained):,} runs." if len(trained) > MOST_CURVES else ""
    return [*([Text(note)] if note else []), *drawn([curves_of(trained[:MOST_CURVES])])]


def _differences(runs: Sequence[RecordedRun], settings: Sequence[str]) -> Block:
    """Each setting that differs, with its values and how many runs have each."""
    if not settings:
        return Text("Every run has the same settings.")
    rows = []
    for key in settings:
        values = short_values([run.settings.get(key) for run in runs])
        times = {value: values.count(value) for value in dict.fromkeys(values)}
        counted = (f"{value or 'not set'} ({many:,}×)" for value, many in times.items())
        rows.append([key, f"{len(times):,}", listed(counted, 12)])
    return Table("Settings that differ", ("setting", "values", "which, and in how many runs"), rows, frozenset({1}))


def _repeating(ranked: Sequence[RecordedRun], folder: Path) -> list[Block]:
    best = quote(str(ranked[0].folder))
    commands = [f"bp report {best}", f"bp verify {best}", f"bp runs {quote(str(folder))} --csv"]
    text = "The first command reports on the best run by itself, the second trains it again and compares, bit for bit."
    return [Text(text), Code("Commands", commands)]


def series_report(folder: Path) -> Report:
    """The report of a series of runs of one config.

    Raises:
        DataError: series.json is malformed, or no run of the series can be read.
    """
    request, metrics = read_series(folder)
    found, skipped = find_runs(folder)
    runs = [run for run in found if run.folder.parent == folder and run.folder.name != REFIT]
    if not metrics or not runs:
        hint = f"go on with bp train --resume {quote(str(folder))}"
        raise DataError("the series has not ended", where=str(folder), hint=hint)
    metric = next((name for name in metrics if name.startswith("test_") and not name.endswith("loss")), "")
    metric = metric or ranking_metric(runs, None)
    ranked, mean = rank_runs(runs, metric), metrics[metric]
    settings = [key for key in differing_settings(runs) if key in SAME_BUT_FOR]
    headline = Headline(
        shown(_plain(metric), mean.mean),
        f"{_words(metric)}, the mean of {count(mean.runs, 'run')}; 95 % interval {_interval(mean, metric)[2]}",
        f"The least is {_extreme(runs, metric, min)}, the most {_extreme(runs, metric, max)}.",
    )
    sections = [
        _asked(runs[0]),
        Section("results", "What came out", [_summary(metrics), Text(SERIES_METHOD)]),
        Section("runs", "The runs, best first", _runs(ranked, settings, metric, folder)),
        Section("training", "How training went", _curves(runs)),
        Section("spread", "How far they are spread", [_spread(runs)]),
        Section("repeat", "How to repeat it", _repeating(ranked, folder)),
    ]
    return Report(f"Series {folder.resolve().name}", _series_lead(request), headline, sections, skipped)


def _asked(run: RecordedRun) -> Section:
    """What was asked of the first run, and but for seed and fold of all."""
    model = reopen(run.folder).model
    judging = judging_of(model.targets, model.network.head.activation.range)
    return asked(read_own_config(run.folder).config, run.record, judging, class_names(model), several=True)


SERIES_METHOD = (
    "The intervals are Student's t of the mean over the runs. Where each run has a split of its own, its training part "
    "overlaps those of the others, and the interval is as much wider (Nadeau & Bengio 2003)."
)


def _extreme(runs: Sequence[RecordedRun], metric: str, extreme: Callable[[list[float]], float]) -> str:
    values = [run.final[metric] for run in runs if not isnan(run.final.get(metric, float("nan")))]
    return shown(_plain(metric), extreme(values) if values else float("nan"))


def _summary(metrics: Mapping[str, Interval]) -> Block:
    rows = [[name, *_interval(of, name)] for name, of in metrics.items()]
    return Table("Means over the runs", ("metric", "runs", "mean", "95 % interval"), rows, frozenset({1, 2, 3}))


def _series_lead(request: SeriesRequest) -> str:
    seeds, folds = request.seeds, request.folds
    parts = [f"{seeds} seeds" if seeds else "", f"{folds} folds, each tested in turn" if folds else ""]
    refit = "; then a run on all rows, for the median of the best epochs" if request.refit else ""
    return f"One config, trained with {' and '.join(filter(None, parts))}{refit}."
