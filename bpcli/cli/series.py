"""``bp train --seeds N --folds K``: several runs of one config, begun or gone on with, and what they say together."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.cli.output import emit, emit_json
from bpcli.cli.running import how_to_go_on, require_expectations
from bpcli.cli.series_runs import Series, experiment_of, train_members
from bpcli.ending.unfinished import undone_by_signals
from bpcli.errors import ConfigError
from bpcli.lines.widths import is_terminal

if TYPE_CHECKING:
    from bpcli.config.schema import Config
    from bpcli.ranks.group import Group
    from bpcli.runs.intervals import Interval
    from bpcli.runs.series import SeriesRequest
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


def refuse_series_of_ranks(group: Group) -> None:
    """Refuse a series in several processes: each of its runs would wait for the others.

    Raises:
        ConfigError: the group has several.
    """
    if group.count > 1:
        hint = "start it without the launcher; its runs are trained one after the other, each on all cores"
        raise ConfigError("several runs, and a launcher, whose processes train one run together", "command line", hint)


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
    first = experiment_of(path, [*changes, *planned[0].changes])  # what is wrong shows before there is a folder
    if request.refit:
        experiment_of(path, refit_changes(changes, [given.epochs]))  # so does what a run on all rows lacks
    fill = partial(_write_request, request=request, given=given)
    with new_run_folder(path.stem, run, fill) as folder, _can_go_on(folder):
        series = Series(path, changes, request, folder, quiet, trackers)
        metrics = train_members(series, planned, first)
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
    first = experiment_of(path, [*planned[0].changes])
    with only_writer(folder), _can_go_on(folder):
        series = Series(path, [], request, folder, quiet, trackers, allow_drift)
        metrics = train_members(series, planned, first)
    _conclude(series, metrics, json=json)


@contextmanager
def _can_go_on(folder: Path) -> Iterator[None]:
    """Say how to go on with a series if a signal ends it within, between two runs too."""
    from bpcli.display import say_without_waiting

    with undone_by_signals(lambda _: say_without_waiting([how_to_go_on(folder)])):
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


def _show(series: Series, metrics: dict[str, Interval]) -> None:
    """A table with a row for each metric: its mean, and the interval."""
    from bpcli import display

    if series.quiet or not metrics:
        return
    rows = [[name, *vars(found).values()] for name, found in metrics.items()]
    with suppress(OSError):
        display.print_table(["metric", "mean", "95 % from", "to", "runs"], rows, sys.stderr, names=(0,))
    if not is_terminal(sys.stdout):
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
