"""``bp stepcheck``: the updates that train against the equations of their rule, evaluated in decimals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli.arguments import Json, Plugins, Words, config_and_overrides, refuse_export_with_against, refuse_options
from bpcli.cli.output import emit_json
from bpcli.cli.output_file import require_no_loss
from bpcli.errors import ConfigError, ExitStatus

if TYPE_CHECKING:
    from bpcli.checking.updates.subjects import Opened
    from bpcli.checking.updates.verdicts import EngineCheck

UPDATES = 5
"""Updates checked by default: enough that every mistake in a memory or a count shows."""


def stepcheck(
    words: Words,
    updates: Annotated[
        int | None, typer.Option("--updates", min=1, metavar="N", help=f"How many updates; default {UPDATES}.")
    ] = None,
    parameters: Annotated[
        int | None,
        typer.Option(
            "--parameters",
            min=1,
            metavar="N",
            help="Parameters checked of each layer's W and b; default all of a network of up to 2000, else 100.",
        ),
    ] = None,
    engine: Annotated[
        Literal["numpy", "numba"] | None,
        typer.Option("--engine", help="The engine that is checked; default both, where numba is installed."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the first parameters and each update's gradient to a .safetensors or .npz file and stop.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            readable=False,  # bp's own error says more
            help="Judge another program's theta1, theta2, …, made of what --export writes.",
        ),
    ] = None,
    json: Json = False,
    plugin: Plugins = None,
) -> int:
    """Check the updates that train against the rule's equations.

    The engine's own updates of θ and of the rule's memory, on the batches that training takes, from a config's
    initial state or from a run's checkpoint; the published equations are evaluated in 50 decimal digits. In float64
    and in the precision of the config. Exit status 0 if every update agrees, 1 if not.

    Example: bp stepcheck configs/iris.yaml --updates 10
    """
    from bpcli import display
    from bpcli.checking.updates.subjects import open_updates

    path, changes = config_and_overrides(words)
    refuse_export_with_against(export, against)
    if export is not None or against is not None:
        refuse_options({"--parameters": parameters, "--engine": engine}, "where no engine is checked")
    opened = open_updates(path, changes)
    display.warn(opened.warnings)
    require_no_loss(export, [path, *opened.experiments[0].loaded.digests])
    count = updates or UPDATES
    if export is not None or against is not None:
        from bpcli.cli.stepcheck import external

        if export is not None:
            return external.export_gradients(opened, count, export, json=json)
        assert against is not None
        return external.check_external(opened, count, against, json=json)
    from bpcli.cli.stepcheck import report

    checks, unchecked = _checks(opened, count, parameters, engine)
    found = report.StepReport(opened, checks, unchecked)
    if json:
        emit_json(found.as_dict())
    else:
        report.print_report(found)
    return ExitStatus.DONE if found.passed else ExitStatus.CHECK_FAILED


def _checks(
    opened: Opened, count: int, parameters: int | None, engine: Literal["numpy", "numba"] | None
) -> tuple[list[EngineCheck], dict[str, str]]:
    """The check of every engine in every precision, and why what is not checked is not, by its name.

    Raises:
        ConfigError: the engine that is asked for is not installed, or cannot compile this training.
    """
    from bpcli import display
    from bpcli.checking.updates.comparison import UpdateCheck
    from bpcli.checking.updates.equations import NotStatedError

    checks: list[EngineCheck] = []
    names: tuple[Literal["numpy", "numba"], ...] = ("numpy", "numba") if engine is None else (engine,)
    for name in names:
        for experiment in opened.experiments:
            try:
                chosen = opened.engine(experiment, name)
            except ConfigError as error:
                if engine is not None:
                    raise
                return checks, {name: error.message}
            try:
                subject = opened.subject(experiment, chosen)
                checks.append(UpdateCheck(subject, parameters, display.say).check(count))
            except NotStatedError as error:
                return checks, {"update": str(error)}
    return checks, {}
