"""What is printed of an exception that ends a command, and the exit status: a failure."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TextIO

from typer.exceptions import TyperException

from bpcli import __version__
from bpcli.errors import BpError, ConfigError, ExitStatus, SystemRefusedError, printable
from bpcli.lines.breaking import fitted
from bpcli.ranks.failure import Failure

NO_MEMORY = re.compile("cannot allocate memory|failed to map segment|out of memory", re.IGNORECASE)
"""How the loader of libraries says that there is no memory."""

IMPORTING = (ImportError, AttributeError, SystemError)
"""What a library raises that could not load another, or half of it only; the reason is the exception before."""


def failure_of(error: Exception) -> Failure:
    """What an exception means to the user; what means nothing is a defect, whose traceback is written to a file."""
    if isinstance(error, TyperException):
        return _failure(_usage_error(error))
    if isinstance(error, BpError):
        return _failure(error)
    refusal = _refusal(error)
    if refusal is not None:
        return _failure(refusal)
    return _of_plugin(error) or _of_library(error) or _of_defect(error)


def _usage_error(error: TyperException) -> ConfigError:
    """Typer's error in the form of bp's own."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "bp"
    message = " ".join(error.format_message().split()).replace("Value error, ", "")
    return ConfigError(
        message[:1].lower() + message[1:].rstrip("."), where="command line", hint=f"see {command} --help"
    )


def _failure(error: BpError) -> Failure:
    return Failure(error.status, error.lines())


def _refusal(error: BaseException) -> SystemRefusedError | None:
    """The system's refusal that an exception comes from; None where there is none."""
    if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
        return SystemRefusedError("out of memory", hint="take fewer examples or a smaller network")
    if isinstance(error, RuntimeError) and str(error).startswith("can't start new thread"):
        return SystemRefusedError(
            "can't start a thread",
            hint="raise the limit of processes (ulimit -u), or take one core: threads: 1 in the config",
        )
    if isinstance(error, OSError):
        where = "" if error.filename is None else str(error.filename)
        reason = (error.strerror or str(error)).lower()
        return SystemRefusedError(reason, where, hint="check the space left and the permissions")
    causes = error.__cause__ or error.__context__
    return _refusal(causes) if causes is not None and isinstance(error, IMPORTING) else None


def _of_plugin(error: Exception) -> Failure | None:
    """An exception of the user's own choices at its line in their file; None for any other."""
    import traceback

    from bpcli.choices import PLUGINS

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.basename(frame.filename) in PLUGINS]
    if not own:
        return None
    where = f"{own[-1].filename}:{own[-1].lineno}"
    return _failure(ConfigError(f"{type(error).__name__}: {error}", where=where, hint="mend the file of --plugin"))


def _of_library(error: Exception) -> Failure | None:
    """A library that is there and cannot be loaded; None for any other error."""
    if not isinstance(error, ImportError) or (error.name or "").startswith("bpcli"):
        return None
    return _failure(SystemRefusedError(f"a library can't be loaded: {error}", hint="install it again"))


def _of_defect(error: Exception) -> Failure:
    """Where the traceback is: in a temporary file, written here."""
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
    return Failure(ExitStatus.DEFECT, [f"error: a defect in bp: {type(error).__name__}", f"hint: {hint}"])


def report(failure: Failure, stream: TextIO | None = None) -> None:
    """Print a failure on standard error; if the system refuses even that, the exit status must be enough."""
    stream = stream or sys.stderr
    with suppress(OSError):
        for line in failure.lines:
            print(fitted(printable(line), stream), file=stream, flush=True)
