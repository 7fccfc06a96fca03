"""``bp train``: a run, its final metrics, and what is printed of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Json, Plugins, Words, config_and_overrides
from bpcli.cli.output import emit, emit_json
from bpcli.cli.running import follow, introduction, prepared, require_expectations
from bpcli.cli.series import series_request, train_series
from bpcli.ending.notice import noticed

if TYPE_CHECKING:
    from bpcli.experiment import Experiment
    from bpcli.runs.folder import RunWriter

MOST_RUNS = 100_000
"""The most runs that a series makes of seeds or of folds; they are listed before the first begins."""


def train(
    words: Words,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="FOLDER", help="The run folder; default runs/<config>-001, ….")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", metavar="N", min=2, max=MOST_RUNS, help="Train N times, with seeds from the config's on."
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            metavar="K",
            min=2,
            max=MOST_RUNS,
            help="Train K times, each time testing another K-th of the rows.",
        ),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Then train on all rows, for the median of the best epochs.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress, tables or warnings; run.json keeps the warnings.")
    ] = False,
    json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Train a network; print the run folder.

    Example: bp train configs/iris.yaml optimizer.learning_rate=0.05 epochs=100
    """
    path, changes = config_and_overrides(words)
    request = series_request(seeds, folds, refit=refit)
    if request is None:
        train_once(path, changes, run, quiet=quiet, json=json)
    else:
        train_series(path, changes, request, run, refit=refit, quiet=quiet, json=json)


def train_once(path: Path, changes: list[str], run: Path | None, *, quiet: bool, json: bool) -> None:
    """Train one run; print its folder, or one JSON object.

    Raises:
        DivergedError: it diverged.
    """
    from bpcli.config.reading import read_config
    from bpcli.display import warn
    from bpcli.experiment import build
    from bpcli.runs.folder import create_run
    from bpcli.runs.new_folder import require_free_folder

    experiment = build(read_config(path, changes))
    require_free_folder(run)
    execution = prepared(experiment, partial(create_run, experiment, path.stem, run), quiet=quiet)
    with noticed() as notice:
        lines = [] if quiet else introduction(experiment)
        ended = follow(execution, experiment, lines, notice, quiet=quiet)
    if ended.divergence is None and not quiet:
        warn(ended.notes)
        _show_final_metrics(experiment, ended.run)
    _print_result(ended.run, json=json)
    if ended.divergence is not None:
        raise ended.divergence
    require_expectations([(ended.run.folder, ended.run.record)])


def _show_final_metrics(experiment: Experiment, run: RunWriter) -> None:
    """A table of the kept parameters' metrics with a row for each part, then the run folder."""
    import sys
    from contextlib import suppress

    from bpcli import display
    from bpcli.runs.kept_parameters import describe_kept

    final = run.record["final"]
    names = ["loss", *experiment.metrics]
    prefixes = {"train": "", "validation": "val_", "test": "test_"}
    rows = [[part, *(final.get(prefixes[part] + name) for name in names)] for part in experiment.loaded.parts]
    with suppress(OSError):
        display.print_table(["", *names], rows, sys.stderr, title=f"kept: {describe_kept(run.record)}")
    if "rule" in run.record:
        display.say(", ".join(f"{name} {value:.6g}" for name, value in run.record["rule"].items()))
    if not sys.stdout.isatty():  # on a terminal the result is the next line anyway
        display.say(f"run: {run.folder}")


def _print_result(run: RunWriter, *, json: bool) -> None:
    """Print the run folder, or one JSON object about the run."""
    record = run.record
    if json:
        about = {key: record[key] for key in ("ended", "epochs", "kept", "expect")}
        emit_json({"run": str(run.folder), **about, "metrics": record["final"]})
    else:
        emit(f"{run.folder}\n")
