"""The report of the runs below a folder: the best first, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bpcli.errors import DataError
from bpcli.report.contents import Block, Headline, Report, Section, Table, Text
from bpcli.report.ranked_runs import (
    final_value,
    final_values,
    interval_cells,
    metric_words,
    plain_metric,
    repeating_best,
    run_name,
    spread,
    table_of_runs,
    training,
)
from bpcli.report.results import shown
from bpcli.report.wording import clipped, count, listed
from bpcli.runs.comparison import (
    RecordedRun,
    differing_settings,
    find_runs,
    higher_is_better,
    rank_runs,
    ranking_metric,
)
from bpcli.runs.intervals import Interval, interval
from bpcli.runs.setting_words import SAME_BUT_FOR, alike_but_for_chance, short_keys, short_values


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
    warnings = _of_other_data(found, settings)
    table = table_of_runs(ranked, settings, metric, folder)
    sections = [
        Section("runs", "The runs, best first", [Text(_order(metric)), *table]),
        *_repetitions(ranked, settings, metric),
        spread(found),
        training(ranked),
        Section("differ", "What differs", [_differences(found, settings)]),
        repeating_best(ranked, folder),
    ]
    lead = f"{count(len(found), 'run')}, {_same_or_different(settings)}."
    headline = None if warnings else _headline(ranked, metric, folder)
    return Report(f"Runs in {folder.resolve().name}", lead, headline, sections, [*warnings, *skipped])


def _headline(ranked: Sequence[RecordedRun], metric: str, folder: Path) -> Headline:
    what = f"{metric_words(metric)} of the best run, {run_name(ranked[0], folder)}"
    return Headline(final_value(ranked[0], metric), what, _others(ranked, metric))


def _of_other_data(runs: Sequence[RecordedRun], settings: Sequence[str]) -> list[str]:
    """A warning where the runs are of files of other bytes, or of other targets: they say nothing of one another."""
    files = {frozenset(run.record["data"].values()) for run in runs if run.record.get("data")}
    if len(files) < 2 and "data.target" not in settings:
        return []
    return ["The runs are of different data or targets: only results on the same data can be compared."]


def _same_or_different(settings: Sequence[str]) -> str:
    if not settings:
        return "all of one config"
    return f"which differ in {listed(short_keys([*settings], []))}"


def _order(metric: str) -> str:
    better = "the highest" if higher_is_better(metric) else "the lowest"
    text = f"By {metric_words(metric)}, {better} first; what is said of a run is said of the parameters that it keeps."
    if metric.startswith("test_"):
        return (
            f"{text} The best of many by the test part looks better than it is: choose by a validation part, "
            "and look at the test part once."
        )
    return text


def _others(ranked: Sequence[RecordedRun], metric: str) -> str:
    values = final_values(ranked, metric)
    if len(values) < 2:
        return ""
    middle, last = (shown(plain_metric(metric), value) for value in (median(values), values[-1]))
    return f"The median is {middle}, the last {last}."


def _repetitions(ranked: Sequence[RecordedRun], settings: Sequence[str], metric: str) -> list[Section]:
    """Means over the runs that differ in their seed or fold alone; nothing where there are no such runs."""
    groups = alike_but_for_chance(ranked, settings)
    drawn = {label: _without_copies(group) for label, group in groups.items()}
    repeated = {label: group for label, group in drawn.items() if len(group) > 1}
    if not repeated or len(groups) < 2:
        return []
    rows = [[clipped(label), *interval_cells(_interval_of(group, metric), metric)] for label, group in repeated.items()]
    header = ("settings", "runs", "mean", "95 % interval")
    caption = f"{metric_words(metric)} over runs that differ in seed or fold alone"
    table = Table(caption, header, rows, frozenset({1, 2, 3}))
    return [Section("repetitions", "Settings, over their repetitions", [table])]


def _without_copies(group: Sequence[RecordedRun]) -> list[RecordedRun]:
    """One run of each seed, split and fold: the same training twice is one result."""
    return list({tuple(str(run.settings.get(key)) for key in SAME_BUT_FOR): run for run in group}.values())


def _interval_of(group: Sequence[RecordedRun], metric: str) -> Interval:
    return interval([run.final[metric] for run in group if metric in run.final] or [float("nan")])


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
