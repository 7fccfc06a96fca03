"""The command line: one thin module per command, and one place where errors end.

Nothing heavy is imported until a command runs, so ``bp --help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from typing import Annotated, NoReturn

# Results change in their last bits with the number of BLAS threads, and a rerun
# must give the same bytes; this must be said before NumPy is loaded.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = "1"

import typer  # noqa: E402
from typer.exceptions import TyperException  # noqa: E402

from bpcli import __version__  # noqa: E402
from bpcli.cli import config, evaluate, listing, predict, runs, train  # noqa: E402
from bpcli.errors import BpError, ConfigError, ExitStatus, SystemRefusedError  # noqa: E402

app = typer.Typer(
    name="bp",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train feed-forward neural networks from a YAML file. Start with: bp train configs/iris.yaml",
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("runs")(runs.runs)
app.add_typer(config.app, name="config")
app.command("list")(listing.listing)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bp {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train feed-forward neural networks from a YAML file. Start with: bp train configs/iris.yaml."""


def main() -> NoReturn:
    """Run a command and exit with its status; every error ends here."""
    _die_quietly_of_closed_pipes()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = app(prog_name="bp", standalone_mode=False) or ExitStatus.DONE
        sys.stdout.flush()
    except TyperException as error:
        status = _report(_usage_error(error))
    except BpError as error:
        status = _report(error)
    except (KeyboardInterrupt, typer.Abort):
        die_of(signal.SIGINT)
    except OSError as error:
        status = _report(SystemRefusedError(str(error), hint="check the space left and the permissions"))
    except MemoryError:
        status = _report(SystemRefusedError("out of memory", hint="take fewer examples or a smaller network"))
    except Exception as error:  # noqa: BLE001 - whatever it is, its report is kept and its status is ours
        status = _report_defect(error)
    sys.exit(int(status))


def die_of(number: signal.Signals) -> NoReturn:
    """End by the signal itself, so that whoever waits sees which."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise AssertionError("the default action of the signal does not end the process")


def _die_quietly_of_closed_pipes() -> None:
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _usage_error(error: TyperException) -> ConfigError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "bp"
    message = " ".join(error.format_message().split())
    return ConfigError(
        message[:1].lower() + message[1:].rstrip("."), where="command line", hint=f"see {command} --help"
    )


def _report(error: BpError) -> ExitStatus:
    for line in error.lines():
        print(line, file=sys.stderr)
    return error.status


def _report_defect(error: Exception) -> ExitStatus:
    descriptor, path = tempfile.mkstemp(prefix="bp-defect-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"bp {__version__}\n{' '.join(sys.argv)}\n\n")
        traceback.print_exception(error, file=file)
    print(f"error: a defect in bp: {type(error).__name__}", file=sys.stderr)
    print(f"hint: please report it with {path}", file=sys.stderr)
    return ExitStatus.DEFECT
