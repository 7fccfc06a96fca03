"""A Python file with choices: run, checked, and its choices listed in their registries.

The file ends in dicts as bp's own rooms do: ``ACTIVATIONS = {"bent": Bent}``, and ``LOSSES``,
``METRICS``, ``OPTIMIZERS``, ``SCHEDULES``, ``PENALTIES`` likewise. Only the command line names such a
file; a config never runs code.
"""

from __future__ import annotations

import builtins
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from bpcli.choices import PLUGINS
from bpcli.config.choice import faults_of_settings
from bpcli.config.places import choices_at
from bpcli.config.registries import KINDS
from bpcli.config.schema import Config
from bpcli.errors import BpError, ConfigError, raise_all, refused
from bpcli.plugins.checks import LAWS
from bpcli.plugins.members import faults_of_form

HINT = "see 'To add an activation' and what follows it in CONTRIBUTING.md"


def load_plugin(path: Path) -> None:
    """Run a file and list its choices; a file that is loaded already is left as it is.

    Raises:
        ConfigError: the file is absent, fails, or defines no choice, or one with a name that exists.
        SeveralErrors: its choices break the laws of their kinds.
        SystemRefusedError: the system refuses to read it.
    """
    source = _read(path)
    digest = sha256(source).hexdigest()
    if PLUGINS.get(path.name) == digest:
        return
    if path.name in PLUGINS:
        raise ConfigError("another file of this name is loaded already", where=str(path), hint="rename one of them")
    module = _run(path, source, digest)
    found = list(_choices(path, module))
    if not found:
        known = ", ".join(key.upper() for key in LAWS)
        raise ConfigError("it defines no choices", where=str(path), hint=f"end it with one of the dicts {known}")
    with _listed(found), _guarded(path):
        raise_all([error for key, name, kind in found for error in _faults(path, key, name, kind)])
    PLUGINS[path.name] = digest


@contextmanager
def _listed(found: list[tuple[str, str, Any]]) -> Iterator[None]:
    """Choices are in their registries from now on, unless there is an exception: one may be another's usual output."""
    registries = {key: cast("MutableMapping[str, Any]", KINDS[key].registry) for key, _, _ in found}
    for key, name, kind in found:
        registries[key][name] = kind
    try:
        yield
    except BaseException:
        for key, name, _ in found:
            del registries[key][name]
        raise


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """The file's code prints on standard error, as standard output is for results, and leaves Python's names alone.

    Raises:
        ConfigError: a name of Python's own has another meaning afterwards.
    """
    own = dict(vars(builtins))
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        changed = [name for name, value in own.items() if vars(builtins).get(name) is not value]
        vars(builtins).update(own)
    if changed:
        raise ConfigError(
            f"it changes what {', '.join(changed)} means to all of Python",
            where=str(path),
            hint="a function of the file's own needs no change of builtins",
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError("no such file", where=str(path), hint="--plugin names a Python file") from error
    except OSError as error:
        raise refused("read", path, error) from error


def _run(path: Path, source: bytes, digest: str) -> ModuleType:
    """The module that the file makes. Dataclasses look up their module by name, so it is among the modules."""
    module = ModuleType(f"bp_plugin_{digest[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        with _guarded(path):
            exec(compile(source, str(path), "exec"), vars(module))  # noqa: S102 - the user asks for this file to be run
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, BpError | KeyboardInterrupt):
            raise
        raise _failure(path, "", error) from error
    return module


def _failure(path: Path, what: str, error: BaseException) -> ConfigError:
    """The error of a file whose code raises one, or ends Python, at the last line of the file that was running."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f"{path}:{lines[-1]}" if lines and lines[-1] is not None else str(path)
    message = ": ".join(filter(None, (type(error).__name__, str(error))))
    return ConfigError(f"{what}{message}", where=where, hint="mend the file; it is run as Python")


def _choices(path: Path, module: ModuleType) -> Iterator[tuple[str, str, Any]]:
    """The kind, the name and the class of every choice in the module's dicts.

    Raises:
        ConfigError: a dict is none, or a name is no word or exists already.
    """
    for key in LAWS:
        listed = getattr(module, key.upper(), {})
        if not isinstance(listed, dict):
            raise ConfigError(f"{key.upper()} is no dict", where=str(path), hint="names, each with its class")
        for name, kind in listed.items():
            if not isinstance(name, str) or not name.isidentifier():
                raise ConfigError(f"{name!r} is no name", where=str(path), hint="letters, digits and _")
            if name in KINDS[key].registry:
                word = KINDS[key].word
                raise ConfigError(f"{word} {name!r} exists already", where=str(path), hint="give it another name")
            yield key, name, kind


def _faults(path: Path, key: str, name: str, kind: Any) -> Iterator[BpError]:
    """An error for each law that a choice breaks; where its form is wrong, the others are not tried."""
    law, called = LAWS[key], f"{KINDS[key].word} {name}: "
    try:
        faults = list(faults_of_form(kind, law.protocol, _reserved(key)))
        faults = faults or list(faults_of_settings(kind)) or list(law.faults(kind))
    except KeyboardInterrupt:
        raise
    except BpError as error:
        faults = [error.message]
    except BaseException as error:  # noqa: BLE001 - the user's own code may raise anything, or end Python
        yield _failure(path, called, error)
        return
    yield from (ConfigError(f"{called}{fault}", where=str(path), hint=HINT) for fault in faults)


def _reserved(key: str) -> set[str]:
    """The names that a setting can't have: keys that stand beside those of a choice of this kind."""
    bases = [choice.base for choice in choices_at(Config).values() if choice.kind is KINDS[key]]
    return {"name"}.union(*(base.model_fields for base in bases))
