"""``bp train``: a run from its config, a series of them, one that is resumed, or a plan of one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Json, Plugins, config_and_overrides
from bpcli.cli.one_run import run_to_the_end
from bpcli.cli.planning import MOST_RANKS, plan_request, refuse_with_plan, show_plan
from bpcli.cli.running import curves_are_shown, introduction, prepared
from bpcli.cli.series import refuse_series_of_ranks, series_request, train_series
from bpcli.cli.tracking import trackers_of
from bpcli.errors import ConfigError
from bpcli.ranks.group import SOLO

if TYPE_CHECKING:
    from bpcli.ranks.group import Group
    from bpcli.tracking.protocol import Tracker


def train(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|KEY=VALUE", help="A YAML file, and settings that override it.", show_default=False
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="FOLDER", help="The run folder; default runs/<config>-001, ….")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", min=2, help="Train N times, with seeds from the config's on."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option("--folds", metavar="K", min=2, help="Train K times, each time testing another K-th of the rows."),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Then train on all rows, for the median of the best epochs.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Go on with a run, or a series, where it stopped.")
    ] = None,
    allow_drift: Annotated[
        bool, typer.Option("--allow-drift", help="Resume although data, libraries or processor are others now.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress, tables or warnings; run.json keeps the warnings.")
    ] = False,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw the loss below the bar, on a terminal; bp plot draws it afterwards.")
    ] = False,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track",
            metavar="TRACKER",
            help="Tell tensorboard, mlflow or dvc of the run, where they look. May be repeated.",
        ),
    ] = None,
    ranks: Annotated[
        int | None,
        typer.Option(
            "--plan",
            metavar="N",
            min=1,
            max=MOST_RANKS,
            help="Train nothing; predict hours and cost on 1, 2, 4, … N ranks of a cluster.",
        ),
    ] = None,
    cluster: Annotated[
        Path | None,
        typer.Option(
            "--cluster", metavar="FILE", help="With --plan: what bp bench-cluster measured; default this machine."
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network", metavar="SPEED", help="With --plan: the link between ranks, 10G or 100G,5us; default 10G,30us."
        ),
    ] = None,
    json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Train a network; print the run folder.

    In several processes, on one machine or many: mpirun -n 4 bp train CONFIG; docs/do/clusters.md says how.

    Example: bp train configs/iris.yaml optimizer.learning_rate=0.05 epochs=100
    """
    planned = plan_request(ranks, cluster, network)
    if planned is not None:
        refuse_with_plan({"--resume": resume, "--run": run, "--seeds": seeds, "--folds": folds, "--refit": refit})
        refuse_with_plan({"--plot": plot, "--track": track, "--allow-drift": allow_drift, "--quiet": quiet})
        show_plan(*config_and_overrides(words or []), planned, json=json)
        return
    if plot:
        refuse_with_plot({"--quiet": quiet, "--seeds": seeds, "--folds": folds})
    trackers = trackers_of(track)
    group: Group = context.obj or SOLO
    if resume is not None:
        from bpcli.cli.resume import resumed

        refuse_with_resume({"--run": run, "--seeds": seeds, "--folds": folds, "--refit": refit or None})
        resumed(
            resume,
            words or [],
            allow_drift=allow_drift,
            quiet=quiet,
            json=json,
            plot=plot,
            trackers=trackers,
            group=group,
        )
        return
    if allow_drift:
        raise ConfigError("--allow-drift goes with --resume", where="command line", hint="leave it out")
    if not words:
        hint = "see bp train --help"
        raise ConfigError("missing argument 'CONFIG|KEY=VALUE'", where="command line", hint=hint)
    path, changes = config_and_overrides(words)
    request = series_request(seeds, folds, refit=refit)
    if request is None:
        train_once(path, changes, run, trackers, group, quiet=quiet, json=json, plot=plot)
    else:
        refuse_series_of_ranks(group)
        train_series(path, changes, request, run, trackers, quiet=quiet, json=json)


def refuse_with_resume(options: Mapping[str, object]) -> None:
    """Refuse the options, by their name, that have a value: a run that goes on has its folder and its seed.

    Raises:
        ConfigError: one has a value.
    """
    for name, value in options.items():
        if value is not None:
            raise ConfigError(
                f"{name} with --resume, which goes on with a run as it is", "command line", "leave it out"
            )


def refuse_with_plot(options: Mapping[str, object]) -> None:
    """Refuse the options, by their name, that are given: the curves are those of one run, and show its progress.

    Raises:
        ConfigError: one is given.
    """
    for name, value in options.items():
        if value:
            hint = "leave one out; bp plot draws the curves of finished runs"
            raise ConfigError(f"{name} with --plot, which shows one run's progress", "command line", hint)


def train_once(
    path: Path,
    changes: list[str],
    run: Path | None,
    trackers: Mapping[str, Tracker],
    group: Group,
    *,
    quiet: bool,
    json: bool,
    plot: bool,
) -> None:
    """Train one run in the processes of the ``group``; print its folder, or one JSON object.

    ``trackers`` follow it; with ``plot`` its curves stand below the bar.

    Raises:
        DivergedError: it diverged.
    """
    from bpcli.config.reading import read_config
    from bpcli.diagnosis.gravest import gravest
    from bpcli.experiment import build
    from bpcli.runs.folder import create_run
    from bpcli.runs.new_folder import require_free_folder
    from bpcli.runs.sameness import same_config

    plot = plot and curves_are_shown()
    located = read_config(path, changes)
    experiment = build(located, gravest, group.readers(partial(same_config, located)))
    require_free_folder(run)
    execution = prepared(experiment, partial(create_run, experiment, path.stem, run), quiet=quiet, group=group)
    lines = [] if quiet else introduction(experiment)
    run_to_the_end(execution, experiment, lines, quiet=quiet, json=json, plot=plot, trackers=trackers, group=group)
