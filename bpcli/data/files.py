"""Which kind of file is this? Told by content, then suffix; then read by that kind's reader."""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from bpcli.data.raw import Format, Matrix, Raw, Table
from bpcli.errors import DataError, refused
from bpcli.nn import Array

STDIN = "-"


@dataclass(frozen=True)
class FilePair:
    """Where examples are: one file, or features and targets in a file each."""

    features: str
    targets: str | None = None

    @property
    def paths(self) -> list[str]:
        """The files to read."""
        return [self.features] if self.targets is None else [self.features, self.targets]


def content(path: str) -> bytes:
    """The bytes of a file or, for ``-``, of standard input, decompressed.

    Raises:
        DataError: the file is absent, a folder, empty or not whole.
        SystemRefusedError: the system refused to read it.
    """
    shown = shown_path(path)
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=shown, hint="check the path") from error
    except IsADirectoryError as error:
        raise DataError("this is a folder, not a file", where=shown, hint="name the file in it") from error
    except OSError as error:
        raise refused("read", shown, error) from error
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"not a whole gzip file: {error}", where=shown, hint="copy the file again") from error
    if not data:
        raise DataError("the file is empty", where=shown, hint="it needs a header and at least one example")
    return data


def shown_path(path: str) -> str:
    """The path for messages."""
    return "<stdin>" if path == STDIN else path


def digest(path: str) -> str:
    """The SHA-256 of a file's bytes as they lie on disk."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise refused("read", path, error) from error


def read(pair: FilePair, form: Format, text_columns: frozenset[str] | None = None) -> Raw:
    """Read examples, features and targets joined.

    ``text_columns`` are kept as text even where they look like numbers; None
    means that the targets' names are not known yet, and the last column is kept.
    The last column of a file of targets is kept in any case.
    """
    if pair.targets is None:
        return _read_one(pair.features, form, text_columns)
    features = _read_one(pair.features, form, text_columns or frozenset())
    return _joined(features, _read_one(pair.targets, form, None), form)


def _read_one(path: str, form: Format, text_columns: frozenset[str] | None) -> Raw:
    from bpcli.data import arrays

    data = content(path)
    shown = shown_path(path)
    reader = arrays.reader(data)
    if reader is not None:
        return reader(data, shown)
    from bpcli.data import tables

    if data[:4] == b"PAR1":
        return tables.read_parquet(data, shown, text_columns)
    return tables.read_text(data, shown, form, text_columns)


def _joined(features: Raw, targets: Raw, form: Format) -> Raw:
    if features.size != targets.size:
        raise DataError(
            f"{targets.size} targets for the {features.size} examples of {features.path}",
            where=targets.path,
            hint="the two files must hold the same examples in the same order",
        )
    names = targets.own_targets or targets.names
    columns = {name: targets.column(name) for name in names}
    if isinstance(features, Matrix) or isinstance(targets, Matrix) or not form.header:
        columns = _told_apart(columns, set(features.names))
    if isinstance(features, Matrix):
        return Matrix(features.path, features.values, columns, features.images, targets.holds_classes)
    clash = [name for name in columns if name in features.names]
    if clash:
        raise DataError(
            f"column {clash[0]!r} stands in {features.path} too", where=targets.path, hint="rename it in one of them"
        )
    merged = {name: features.column(name) for name in features.names} | columns
    booleans = features.booleans if isinstance(features, Table) else frozenset()
    return Table(
        features.path,
        merged,
        booleans,
        place=features.where,
        own_targets=list(columns),
        holds_classes=targets.holds_classes,
    )


def _told_apart(columns: dict[str, Array], taken: set[str]) -> dict[str, Array]:
    """Targets named apart from features, where columns have numbers for names."""
    if not taken & set(columns):
        return columns
    if len(columns) == 1:
        return {"target": next(iter(columns.values()))}
    return {f"target_{name}": column for name, column in columns.items()}
