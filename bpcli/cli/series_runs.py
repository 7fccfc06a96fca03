"""The runs of a series: each trained or taken up again, what they come to, and the one on all rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.cli.running import follow, introduction, prepared
from bpcli.errors import BpError

if TYPE_CHECKING:
    from bpcli.experiment import Experiment
    from bpcli.reporting.out_of_fold import Tested
    from bpcli.runs.execution import Execution, RunEnded
    from bpcli.runs.intervals import Interval
    from bpcli.runs.series import Member, Outcome, SeriesRequest
    from bpcli.tracking.protocol import Tracker


@dataclass
class Series:
    """A series as it proceeds: what runs, where, the runs so far, and the errors of those that failed."""

    path: Path
    changes: list[str]
    request: SeriesRequest
    folder: Path
    quiet: bool
    trackers: Mapping[str, Tracker]
    allow_drift: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    tested: list[Tested] = field(default_factory=list)
    failures: list[BpError] = field(default_factory=list)
    introduced: set[str] = field(default_factory=set)

    def say(self, line: str) -> None:
        """Say what happens, unless it is to be quiet."""
        from bpcli.display import say

        if not self.quiet:
            say(line)

    def introduction(self, experiment: Experiment) -> list[str]:
        """The lines that introduce a run, without those that an earlier run of the series had too."""
        lines = [] if self.quiet else [line for line in introduction(experiment) if line not in self.introduced]
        self.introduced.update(lines)
        return lines


def train_members(series: Series, planned: list[Member], first: Experiment) -> dict[str, Interval]:
    """Train the planned runs, ``first`` being the experiment of the first, and write what they come to."""
    from bpcli.runs.series import summarise, write_series

    for member in planned:
        experiment = first if member is planned[0] else experiment_of(series.path, [*series.changes, *member.changes])
        _train_member(series, member, experiment)
    metrics = summarise(series.outcomes)
    write_series(series.folder, series.request, series.outcomes, metrics)
    _write_predictions(series)
    if series.request.refit and series.outcomes:
        _refit(series)
    return metrics


def experiment_of(path: Path, changes: list[str]) -> Experiment:
    """The experiment of the series' config with these overrides."""
    from bpcli.config.reading import read_config
    from bpcli.diagnosis.gravest import gravest
    from bpcli.experiment import build

    return build(read_config(path, changes), gravest)


def _train_member(series: Series, member: Member, experiment: Experiment) -> None:
    """Train one run and take note of what it came to."""
    from bpcli.runs.series import Outcome

    ended = _train(series, experiment, member.name)
    if ended.divergence is not None:
        series.failures.append(ended.divergence)
        series.say(f"{member.name}: {ended.divergence.message}")
        return
    split = experiment.config.data.split
    own_split = member.fold is not None or (split.deals and split.seed is None)
    series.outcomes.append(Outcome(member, ended.run.record, own_split))
    series.say(f"{member.name}: {_short(ended.run.record['final'])}")
    if member.fold is not None:
        from bpcli.reporting.out_of_fold import predict_test_part
        from bpcli.runs.model_file import load_model

        model, part = load_model(ended.run.folder), experiment.loaded.parts["test"]
        series.tested.append(predict_test_part(model, part, member.seed, member.fold))


def _train(series: Series, experiment: Experiment, name: str) -> RunEnded:
    """Train a run in a folder of the series; a signal ends the series with it."""
    from bpcli.display import warning
    from bpcli.ending.notice import noticed
    from bpcli.runs.resuming import finished

    folder = series.folder / name
    ended = finished(folder, experiment) if folder.exists() else None
    if ended is not None:
        return ended
    execution = _execution(series, experiment, folder)
    quiet = series.quiet or not sys.stderr.isatty()
    with noticed() as notice:
        ended = follow(
            execution,
            experiment,
            series.introduction(experiment),
            notice,
            quiet=quiet,
            series=series.folder,
            trackers=series.trackers,
        )
    for note in ended.notes:
        series.say(warning(f"{name}: {note}"))
    return ended


def _execution(series: Series, experiment: Experiment, folder: Path) -> Execution:
    """The training of a run of the series, or what is left of it where the series is resumed."""
    from bpcli.diagnosis.gravest import gravest
    from bpcli.runs.folder import create_run
    from bpcli.runs.resuming import resume

    if not folder.exists():
        return prepared(experiment, partial(create_run, experiment, folder.name, folder), quiet=series.quiet)
    run = resume(folder, [], gravest, allow_drift=series.allow_drift)
    return prepared(run.experiment, run.open_run, quiet=series.quiet, state=run.state)


def _short(final: dict[str, float]) -> str:
    """The metrics of the part that was held out last."""
    from bpcli.display import short_number

    prefix = next((prefix for prefix in ("test_", "val_") if any(name.startswith(prefix) for name in final)), "")
    return "  ".join(f"{name} {short_number(value)}" for name, value in final.items() if name.startswith(prefix))


def _write_predictions(series: Series) -> None:
    """Write the predictions of each row by the run that was tested on it, where there are folds."""
    from bpcli.reporting.out_of_fold import write_predictions
    from bpcli.runs.series import PREDICTIONS_FILE

    if series.tested:
        write_predictions(series.folder / PREDICTIONS_FILE, series.tested)


def _refit(series: Series) -> None:
    """Train on all rows, for the median of the kept epochs; they may be too few, for a warm-up say."""
    from bpcli.runs.series import REFIT, refit_changes

    kept_epochs = [one.record["kept"]["epoch"] for one in series.outcomes]
    try:
        experiment = experiment_of(series.path, refit_changes(series.changes, kept_epochs))
    except BpError as error:
        series.failures.append(error)
        return
    ended = _train(series, experiment, REFIT)
    if ended.divergence is not None:
        series.failures.append(ended.divergence)
    series.say(f"{REFIT}: all {experiment.loaded.parts['train'].size:,} rows, {experiment.plan.epochs} epochs")
