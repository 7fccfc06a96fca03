"""The command line: one thin module per command, and one place that handles errors.

Nothing heavy is imported until a command runs, so ``bp --help`` starts fast.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import IO, TYPE_CHECKING, Annotated, NoReturn

from bpcli.cli.library_threads import hold_this_process

hold_this_process()  # before anything loads NumPy

import typer  # noqa: E402

from bpcli import __version__  # noqa: E402
from bpcli.cli import (  # noqa: E402
    bench_cluster,
    config,
    data,
    doctor,
    evaluate,
    explain,
    gradcheck,
    init,
    listing,
    plot,
    predict,
    report,
    runs,
    stepcheck,
    train,
    verify,
)
from bpcli.cli.arguments import need_command  # noqa: E402
from bpcli.cli.help_page import give_help_pages  # noqa: E402
from bpcli.cli.launched import status_in_ranks  # noqa: E402
from bpcli.cli.libraries import require_room  # noqa: E402
from bpcli.ending.unfinished import own_process  # noqa: E402
from bpcli.errors import ExitStatus  # noqa: E402

if TYPE_CHECKING:
    from bpcli.ranks.group import Group

NAMES = "bytes of names"
"""How standard output encodes names of files, which any bytes may make up."""

app = typer.Typer(
    name="bp",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train feed-forward neural networks from a YAML file. Start with: bp train configs/iris.yaml",
)
app.command("init")(init.init)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("doctor")(doctor.doctor)
app.command("gradcheck")(gradcheck.gradcheck)
app.command("stepcheck")(stepcheck.stepcheck)
app.command("verify")(verify.verify)
app.command("plot")(plot.plot)
app.command("report")(report.report)
app.command("runs")(runs.runs)
app.command("bench-cluster")(bench_cluster.bench_cluster)
app.add_typer(config.app, name="config")
app.add_typer(data.app, name="data")
app.command("list")(listing.listing)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"bp {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train feed-forward neural networks from a YAML file. Start with: bp train configs/iris.yaml."""
    need_command(context)
    require_room()


def main() -> NoReturn:
    """Run a command and exit with its status."""
    with own_process():
        _prepare_streams()
        status = status_in_ranks(_run_command, sys.argv[1:])
        _discard_unwritable_output()
        sys.exit(int(status))


def _run_command(group: Group) -> int:
    """Run a command in a group of processes; return its status where it raises nothing."""
    status: int = _commands()(prog_name="bp", standalone_mode=False, obj=group) or ExitStatus.DONE
    sys.stdout.flush()
    return status


@cache
def _commands() -> Callable[..., int | None]:
    """The parser of all commands, built once in a process: building it takes longer than many a command."""
    commands = typer.main.get_command(app)
    give_help_pages(commands)
    return commands


def _prepare_streams() -> None:
    """Use UTF-8 in every locale; replace a stream that was closed before bp started by the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, _null_device(mode))
    codecs.register_error(NAMES, _bytes_of_names)
    for stream, errors in ((sys.stdout, NAMES), (sys.stderr, "backslashreplace")):
        stream.reconfigure(encoding="utf-8", errors=errors)  # type: ignore[union-attr]


def _bytes_of_names(error: UnicodeError) -> tuple[str | bytes, int]:
    """What cannot be encoded as UTF-8: the bytes of a file's name as they are, anything else as an escape."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.backslashreplace_errors(error)


def _discard_unwritable_output() -> None:
    """Discard output that a stream cannot write; else Python tries again at exit and sets an exit status of its own."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            stream.flush()
        except OSError:
            discarding = _null_device("w")
            os.dup2(discarding.fileno(), stream.fileno())
            setattr(sys, name, discarding)


def _null_device(mode: str) -> IO[str]:
    """A stream of the null device, open until the process ends."""
    return os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8", closefd=False)
