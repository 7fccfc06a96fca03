"""Compiled code, kept between starts in a folder that nobody else can write to.

Code calls routines, see :mod:`bpcli.training.compiled.routines`, by their names; it is of use only where they
are loaded before it, so their names are kept with it.

What Numba keeps is a pickle, which can do anything when it is read. So each file
begins with a digest of its name and content, is read once from a private folder,
checked, and only then handed to Numba. Where the folder is not private, or there is
none, nothing is read or kept, and every start compiles.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from llvmlite import binding
from numba.core import config
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps

from bpcli import __version__
from bpcli.training.compiled.private_folder import PART, PrivateFolder, UntrustedError, private_folder

_serialized: Any = dumps
_rebuilt: Any = CompileResult._rebuild  # noqa: SLF001 - what Numba's own cache calls; both are untyped there

PREFIX = "kernel_"
MAGIC = b"bp kernel 2\n"

SYMBOL = "bp_routine_"
"""What the names of routines begin with in compiled code."""

LIBRARIES = ("numba", "llvmlite", "numpy", "scipy")

KEPT = 200
"""The most files that are kept, the latest used; each has some hundred kB."""

UNUSED = 90 * 86400.0
"""After how many seconds without use a file is deleted."""

ABANDONED = 3600.0
"""After how many seconds a file that is still being written belongs to a process that was killed."""


def cache_folder() -> Path:
    """bp's cache folder: ``$XDG_CACHE_HOME/bp`` if that is an absolute path, otherwise ``~/.cache/bp``.

    Raises:
        RuntimeError: the user has no home.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return (named if named.is_absolute() else Path.home() / ".cache") / "bp"


def dependencies() -> str:
    """What all compiled code depends on: libraries and Python by version, Numba's settings, the CPU, and this room."""
    versions = [f"{library} {metadata.version(library)}" for library in LIBRARIES]
    cpu = cpu_target.target_context.codegen().magic_tuple()
    return "\n".join([__version__, *versions, sys.version, *_settings(), *map(str, cpu), _source()])


def _settings() -> list[str]:
    """Numba's settings but its threads: some change bits, even NUMBA_DUMP_LLVM, and the set differs by version."""
    return [f"{name} {value!r}" for name, value in vars(config).items() if name.isupper() and "THREAD" not in name]


@cache
def _source() -> str:
    """The source of this room: much of it is compiled."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py")))


class CompiledCode:
    """What Numba asks for compiled code of one function, and gives it to: a file for each signature.

    ``found`` is the code by file name, already checked; ``not_kept`` says why nothing can be kept.
    """

    cache_path = None  # which Numba shows in its statistics

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: dict[str, bytes] = {}
        self.not_kept = ""
        try:
            with private_folder(cache_folder()) as folder:
                self.found = _read_all(folder, name)
        except UntrustedError as error:
            self.not_kept = str(error)
        except (OSError, RuntimeError) as error:
            self.not_kept = f"the cache cannot be used: {error}"

    def load_overload(self, signature: object, target_context: Any) -> Any:
        """The code for a signature, None where it has to be compiled."""
        return self.load(_file_name(self.name, signature), target_context)

    def load(self, file: str, target_context: Any) -> Any:
        """The code in a file of this name, None where it is not there or of no use."""
        data = self.found.get(file)
        if data is None:
            return None
        rtsys.initialize(target_context)
        try:
            routines, parts = pickle.loads(data)  # noqa: S301 - nobody else can have written it
            if any(load_routine(symbol) is None for symbol in routines):
                return None
            return _rebuilt(target_context, *parts)
        except Exception:  # noqa: BLE001 - a library that changed without its version fails in any way
            return None

    def save_overload(self, signature: object, result: Any) -> None:
        """Keep what was compiled, if there is a place for it."""
        if self.not_kept or result.library.has_dynamic_globals:
            return
        data = _serialized((_routines(result), result._reduce()))  # noqa: SLF001 - as Numba's own cache does
        name = _file_name(self.name, signature)
        with suppress(OSError, RuntimeError, UntrustedError), private_folder(cache_folder()) as folder:
            folder.write(name, MAGIC + _digest(name, data) + data)
            prune(folder, time.time())


_routines_loaded: dict[str, Any] = {}
"""The routines that LLVM knows by their names, whose code must stay in memory: of the process, as LLVM itself is."""


def load_routine(symbol: str) -> Any:
    """The code of a routine, loaded so that other code can call it by its name; None where it is not kept."""
    if symbol not in _routines_loaded:
        code = CompiledCode(PREFIX + symbol)
        for file in code.found:
            if (result := code.load(file, cpu_target.target_context)) is not None:
                _define(symbol, result)
    return _routines_loaded.get(symbol)


def keep_routine(symbol: str, result: Any) -> None:
    """Let other code call a routine that was compiled just now, and keep it if there is a place for it."""
    _define(symbol, result)
    CompiledCode(PREFIX + symbol).save_overload(result.signature, result)


def _define(symbol: str, result: Any) -> None:
    binding.add_symbol(symbol, result.library.get_pointer_to_function(result.fndesc.llvm_func_name))
    _routines_loaded[symbol] = result


def _routines(result: Any) -> list[str]:
    """The names of the routines that code calls."""
    functions = result.library._final_module.functions  # noqa: SLF001 - Numba shows them only of what it defines
    return sorted(one.name for one in functions if one.is_declaration and one.name.startswith(SYMBOL))


def prune(folder: PrivateFolder, now: float) -> None:
    """Delete code that was not used for long, all but the latest used, and what killed processes left."""
    ages = {}
    for name in folder.names():
        if name.startswith((PREFIX, f".{PREFIX}")):
            with suppress(OSError):  # another start was faster
                ages[name] = now - folder.used(name)
    parts = [name for name in ages if name.endswith(PART)]
    kept = sorted((age, name) for name, age in ages.items() if name not in parts)
    old = [name for age, name in kept if age > UNUSED]
    old += [name for name in parts if ages[name] > ABANDONED]
    for name in {*old, *(name for _, name in kept[KEPT:])}:
        with suppress(OSError):
            folder.remove(name)


def _read_all(folder: PrivateFolder, kernel: str) -> dict[str, bytes]:
    """The intact code of a kernel, by file name."""
    found = {}
    for name in folder.names():
        if name.startswith(f"{kernel}-"):
            with suppress(OSError):  # a link, or deleted just now
                head, data = _parted(folder.read(name))
                if head == MAGIC + _digest(name, data):
                    found[name] = data
                    folder.touch(name)
    return found


def _parted(content: bytes) -> tuple[bytes, bytes]:
    """A file's head and the code."""
    length = len(MAGIC) + sha256().digest_size
    return content[:length], content[length:]


def _digest(name: str, data: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + data).digest()


def _file_name(kernel: str, signature: object) -> str:
    return f"{kernel}-{sha256(str(signature).encode()).hexdigest()[:16]}"
