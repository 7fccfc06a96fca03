"""``bp train --seeds N --folds K``: several runs of one config, and what they say together."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.cli.output import emit, emit_json
from bpcli.cli.running import follow, how_to_go_on, introduction, prepared, require_expectations
from bpcli.ending.unfinished import undone_by_signals
from bpcli.errors import BpError, ConfigError

if TYPE_CHECKING:
    from bpcli.config.schema import Config
    from bpcli.experiment import Experiment
    from bpcli.reporting.out_of_fold import Tested
    from bpcli.runs.execution import Execution, RunEnded
    from bpcli.runs.intervals import Interval
    from bpcli.runs.series import Member, Outcome, SeriesRequest
    from bpcli.tracking.protocol import Tracker


def series_request(seeds: int | None, folds: int | None, *, refit: bool) -> SeriesRequest | None:
    """The series that the options ask for; None for a single run.

    Raises:
        ConfigError: --refit without a series, or more runs than a series may have.
    """
    if seeds is None and folds is None:
        if refit:
            raise ConfigError("--refit goes with --seeds or --folds", where="command line", hint="give one of them")
        return None
    from bpcli.runs.series import MOST_RUNS, SeriesRequest

    request = SeriesRequest(seeds, folds, refit)
    if request.runs > MOST_RUNS:
        raise ConfigError(
            f"more than the {MOST_RUNS:,} runs that a series may have",
            where="command line",
            hint="fewer seeds or folds; another series can begin with another seed: seed=N",
        )
    return request


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


def train_series(
    path: Path,
    changes: list[str],
    request: SeriesRequest,
    run: Path | None,
    trackers: Mapping[str, Tracker],
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Train every run of a series, one after the other; print the series' folder, or one JSON object.

    ``trackers`` follow each run.

    Raises:
        DivergedError: a run diverged; the others were trained all the same.
        ConfigError: the config is wrong, or can't be for as few epochs as the refit has; the other runs are saved then.
        CheckFailedError: a run's metric is not as expected.
    """
    from bpcli.config.reading import read_config
    from bpcli.runs.new_folder import new_run_folder, require_free_folder
    from bpcli.runs.series import fold_changes, members, refit_changes

    require_free_folder(run)
    given = read_config(path, [*changes, *fold_changes(request, None if request.folds is None else 0)]).config
    planned = members(request, given.seed)
    first = _experiment(path, [*changes, *planned[0].changes])  # what is wrong shows before there is a folder
    if request.refit:
        _experiment(path, refit_changes(changes, [given.epochs]))  # so does what a run on all rows lacks
    fill = partial(_write_request, request=request, given=given)
    with new_run_folder(path.stem, run, fill) as folder, _can_go_on(folder):
        series = Series(path, changes, request, folder, quiet, trackers)
        metrics = _train_members(series, planned, first)
    _conclude(series, metrics, json=json)


def resume_series(folder: Path, *, allow_drift: bool, quiet: bool, json: bool, trackers: Mapping[str, Tracker]) -> None:
    """Go on with a series: runs that have ended are kept, one that was stopped is resumed, the others are trained.

    Raises:
        DataError: the series is malformed, or a run of it can't go on.
        BpError: as :func:`train_series`.
    """
    from bpcli.config.reading import read_config
    from bpcli.runs.folder import CONFIG_FILE, require_files
    from bpcli.runs.series import SERIES_FILES, members, read_request
    from bpcli.storage.locks import only_writer

    require_files(folder, (CONFIG_FILE, *SERIES_FILES), to_write=True)
    request, path = read_request(folder), folder / CONFIG_FILE
    planned = members(request, read_config(path, []).config.seed)
    first = _experiment(path, [*planned[0].changes])
    with only_writer(folder), _can_go_on(folder):
        series = Series(path, [], request, folder, quiet, trackers, allow_drift)
        metrics = _train_members(series, planned, first)
    _conclude(series, metrics, json=json)


@contextmanager
def _can_go_on(folder: Path) -> Iterator[None]:
    """Say how to go on with a series if a signal ends it within, between two runs too."""
    from bpcli.display import say_without_waiting

    with undone_by_signals(partial(say_without_waiting, [how_to_go_on(folder)])):
        yield


def _write_request(folder: Path, request: SeriesRequest, given: Config) -> None:
    """Write what the series is asked for, and the config that its runs are made of."""
    from bpcli.config import document
    from bpcli.config.writing import plain
    from bpcli.runs.folder import CONFIG_FILE
    from bpcli.runs.series import write_series
    from bpcli.storage.files import write

    write_series(folder, request, outcomes=[], metrics={})
    write(folder / CONFIG_FILE, document.dump(plain(given)).encode())


def _conclude(series: Series, metrics: dict[str, Interval], *, json: bool) -> None:
    """Show and print what the series came to; raise the first failure of a run."""
    _show(series, metrics)
    _print(series, metrics, json=json)
    if series.failures:
        raise series.failures[0]
    require_expectations((series.folder / one.member.name, one.record) for one in series.outcomes)


def _train_members(series: Series, planned: list[Member], first: Experiment) -> dict[str, Interval]:
    """Train the planned runs, ``first`` being the experiment of the first, and write what they come to."""
    from bpcli.runs.series import summarise, write_series

    for member in planned:
        experiment = first if member is planned[0] else _experiment(series.path, [*series.changes, *member.changes])
        _train_member(series, member, experiment)
    metrics = summarise(series.outcomes)
    write_series(series.folder, series.request, series.outcomes, metrics)
    _write_predictions(series)
    if series.request.refit and series.outcomes:
        _refit(series)
    return metrics


def _experiment(path: Path, changes: list[str]) -> Experiment:
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
        experiment = _experiment(series.path, refit_changes(series.changes, kept_epochs))
    except BpError as error:
        series.failures.append(error)
        return
    ended = _train(series, experiment, REFIT)
    if ended.divergence is not None:
        series.failures.append(ended.divergence)
    series.say(f"{REFIT}: all {experiment.loaded.parts['train'].size:,} rows, {experiment.plan.epochs} epochs")


def _show(series: Series, metrics: dict[str, Interval]) -> None:
    """A table with a row for each metric: its mean, and the interval."""
    from bpcli import display

    if series.quiet or not metrics:
        return
    rows = [[name, *vars(found).values()] for name, found in metrics.items()]
    with suppress(OSError):
        display.print_table(["metric", "mean", "95 % from", "to", "runs"], rows, sys.stderr, names=(0,))
    if not sys.stdout.isatty():
        display.say(f"series: {series.folder}")


def _print(series: Series, metrics: dict[str, Interval], *, json: bool) -> None:
    """Print the folder, or one JSON object about the series."""
    if not json:
        emit(f"{series.folder}\n")
        return
    report: dict[str, Any] = {
        "run": str(series.folder),
        "runs": [outcome.member.name for outcome in series.outcomes],
        "metrics": {name: vars(found) for name, found in metrics.items()},
    }
    emit_json(report)
