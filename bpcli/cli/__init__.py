"""The command line: one thin module per command, and one place that handles errors.

Nothing heavy is imported until a command runs, so ``bp --help`` starts fast.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

# The number of BLAS threads changes the last bits of results, and a rerun must give
# the same bytes. BLAS reads these variables when NumPy is loaded.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = "1"

import typer  # noqa: E402
from typer.exceptions import TyperException  # noqa: E402

from bpcli import __version__  # noqa: E402
from bpcli.cli import (  # noqa: E402
    config,
    data,
    doctor,
    evaluate,
    explain,
    gradcheck,
    init,
    listing,
    predict,
    runs,
    stepcheck,
    train,
    verify,
)
from bpcli.cli.arguments import need_command  # noqa: E402
from bpcli.ending.unfinished import own_process  # noqa: E402
from bpcli.errors import BpError, ConfigError, ExitStatus, SystemRefusedError, fitted, printable  # noqa: E402

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
app.command("runs")(runs.runs)
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


def main() -> NoReturn:
    """Run a command and exit with its status."""
    with own_process():
        _prepare_streams()
        status = _status_of_command()
        _discard_unwritable_output()
        sys.exit(int(status))


def _status_of_command() -> int:
    """Run a command; every error is handled here."""
    try:
        status: int = app(prog_name="bp", standalone_mode=False) or ExitStatus.DONE
        sys.stdout.flush()
    except TyperException as error:
        status = _report(_usage_error(error))
    except BpError as error:
        status = _report(error)
    except OSError as error:
        where = "" if error.filename is None else str(error.filename)
        reason = (error.strerror or str(error)).lower()
        status = _report(SystemRefusedError(reason, where, hint="check the space left and the permissions"))
    except MemoryError:
        status = _report(SystemRefusedError("out of memory", hint="take fewer examples or a smaller network"))
    except Exception as error:  # noqa: BLE001 - any other exception is a defect, with a report and a status
        status = _report_plugin(error) or _report_defect(error)
    return status


def _prepare_streams() -> None:
    """Use UTF-8 in every locale; replace a stream that was closed before bp started by the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            null_device = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(null_device, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


def _discard_unwritable_output() -> None:
    """Discard output that a stream cannot write; else Python tries again at exit and sets an exit status of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            null_device = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null_device, stream.fileno())
            os.close(null_device)


def _usage_error(error: TyperException) -> ConfigError:
    """Typer's error in the form of bp's own."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "bp"
    message = " ".join(error.format_message().split()).replace("Value error, ", "")
    return ConfigError(
        message[:1].lower() + message[1:].rstrip("."), where="command line", hint=f"see {command} --help"
    )


def _report(error: BpError) -> ExitStatus:
    _print_to_stderr(error.lines())
    return error.status


def _report_plugin(error: Exception) -> ExitStatus | None:
    """Report an exception of the user's own choices at its line in their file; None for any other."""
    import traceback

    from bpcli.choices import PLUGINS

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.basename(frame.filename) in PLUGINS]
    if not own:
        return None
    where = f"{own[-1].filename}:{own[-1].lineno}"
    return _report(ConfigError(f"{type(error).__name__}: {error}", where=where, hint="mend the file of --plugin"))


def _report_defect(error: Exception) -> ExitStatus:
    """Write the traceback to a temporary file, and print where it is."""
    import tempfile
    import traceback

    try:
        descriptor, path = tempfile.mkstemp(prefix="bp-defect-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"bp {__version__}\n{' '.join(sys.argv)}\n\n")
            traceback.print_exception(error, file=file)
        hint = f"please report it with {path}"
    except OSError as refusal:
        hint = f"please report it with this message: {error} (its report could not be written: {refusal})"
    _print_to_stderr([f"error: a defect in bp: {type(error).__name__}", f"hint: {hint}"])
    return ExitStatus.DEFECT


def _print_to_stderr(lines: list[str]) -> None:
    """Print lines on standard error; if the system refuses even that, the exit status must be enough."""
    with suppress(OSError):
        for line in lines:
            print(fitted(printable(line), sys.stderr), file=sys.stderr, flush=True)
