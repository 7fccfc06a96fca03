"""The report of a series: runs of one config that differ in seed or fold, and their means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import quote

from bpcli.errors import DataError
from bpcli.figures.plotted_run import PlottedRun
from bpcli.report.asked import asked
from bpcli.report.contents import Block, Headline, Report, Section, Table, Text
from bpcli.report.ranked_runs import (
    final_values,
    interval_cells,
    metric_words,
    plain_metric,
    repeating_best,
    spread,
    table_of_runs,
    training,
)
from bpcli.report.results import shown
from bpcli.report.wording import count
from bpcli.reporting.evaluation import class_names
from bpcli.runs.comparison import RecordedRun, differing_settings, find_runs, rank_runs, ranking_metric
from bpcli.runs.intervals import Interval
from bpcli.runs.own_files import read_own_config
from bpcli.runs.series import REFIT, SeriesRequest, read_series
from bpcli.runs.setting_words import SAME_BUT_FOR

SERIES_METHOD = (
    "The intervals are Student's t of the mean over the runs. Where each run has a split of its own, its training part "
    "overlaps those of the others, and the interval is as much wider (Nadeau & Bengio 2003)."
)


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
    interval = interval_cells(mean, metric)[2]
    headline = Headline(
        shown(plain_metric(metric), mean.mean),
        f"{metric_words(metric)}, the mean of {count(mean.runs, 'run')}; 95 % interval {interval}",
        f"The least is {_extreme(runs, metric, min)}, the most {_extreme(runs, metric, max)}.",
    )
    sections = [
        _asked(runs[0]),
        Section("results", "What came out", [_summary(metrics), Text(SERIES_METHOD)]),
        Section("runs", "The runs, best first", table_of_runs(ranked, settings, metric, folder)),
        training(ranked),
        spread(runs),
        repeating_best(ranked, folder),
    ]
    return Report(f"Series {folder.resolve().name}", _series_lead(request), headline, sections, skipped)


def _asked(run: RecordedRun) -> Section:
    """What was asked of the first run, and but for seed and fold of all."""
    opened = PlottedRun(run.folder)
    config = read_own_config(run.folder).config
    return asked(config, run.record, opened.judging, class_names(opened.model), several=True)


def _extreme(runs: Sequence[RecordedRun], metric: str, extreme: Callable[[list[float]], float]) -> str:
    values = final_values(runs, metric)
    return shown(plain_metric(metric), extreme(values) if values else float("nan"))


def _summary(metrics: Mapping[str, Interval]) -> Block:
    rows = [[name, *interval_cells(of, name)] for name, of in metrics.items()]
    return Table("Means over the runs", ("metric", "runs", "mean", "95 % interval"), rows, frozenset({1, 2, 3}))


def _series_lead(request: SeriesRequest) -> str:
    seeds, folds = request.seeds, request.folds
    parts = [f"{seeds} seeds" if seeds else "", f"{folds} folds, each tested in turn" if folds else ""]
    refit = "; then a run on all rows, for the median of the best epochs" if request.refit else ""
    return f"One config, trained with {' and '.join(filter(None, parts))}{refit}."
