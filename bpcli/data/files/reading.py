"""Which kind of file is this? Told by content, then suffix; then read by that kind's reader."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bpcli.data.files.open_bytes import content
from bpcli.data.files.raw import Cells, Format, Matrix, Raw, Table
from bpcli.errors import DataError, refused


@dataclass(frozen=True)
class FilePair:
    """Where examples are: one file, or features and targets in a file each."""

    features: str
    targets: str | None = None

    @property
    def paths(self) -> list[str]:
        """The files to read."""
        return [self.features] if self.targets is None else [self.features, self.targets]


def digest(path: str) -> str | None:
    """The SHA-256 of a file's bytes as they lie on disk; None of a pipe, which can be read only once."""
    try:
        if not Path(path).is_file():
            return None
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
    from bpcli.data.files import arrays

    held = content(path)
    reader = arrays.reader(held.head)
    if reader is not None:
        return reader(held)
    if held.head[:4] == b"PAR1":
        from bpcli.data.files import pandas_reader as frames

        return frames.read_parquet(held, text_columns)
    from bpcli.data.files import tables

    return tables.read_text(held, form, text_columns)


def _joined(features: Raw, targets: Raw, form: Format) -> Raw:
    if features.size != targets.size:
        raise DataError(
            f"{targets.size} targets for the {features.size} examples of {features.path}",
            where=targets.path,
            hint="the two files must hold the same examples in the same order",
        )
    names = targets.own_targets or targets.names
    own = dict(zip(names, names, strict=True))
    if isinstance(features, Matrix) or isinstance(targets, Matrix) or not form.header:
        own = _told_apart(names, set(features.names))
    columns = {new: targets.column(name) for new, name in own.items()}
    if isinstance(features, Matrix):
        return replace(features, targets=columns, holds_classes=targets.holds_classes, cells=_cells(targets, own))
    clash = [name for name in columns if name in features.names]
    if clash:
        raise DataError(
            f"column {clash[0]!r} stands in {features.path} too", where=targets.path, hint="rename it in one of them"
        )
    shared = features if isinstance(features, Table) else None
    return Table(
        features.path,
        {name: features.column(name) for name in features.names} | columns,
        shared.booleans if shared else frozenset(),
        _cells(targets, own) | _cells(features, {name: name for name in features.names}),
        place=features.where,
        own_targets=list(columns),
        holds_classes=targets.holds_classes,
        pages=shared.pages if shared else None,
    )


def _cells(raw: Raw, own: dict[str, str]) -> dict[str, Cells]:
    """How to get at the cells of columns that now have other names than their ``own``."""
    return {new: partial(raw.as_written, name) for new, name in own.items()}


def _told_apart(names: list[str], taken: set[str]) -> dict[str, str]:
    """Targets named apart from features, where columns have numbers for names: their own names by the new ones."""
    if not taken & set(names):
        return {name: name for name in names}
    if len(names) == 1:
        return {"target": names[0]}
    return {f"target_{name}": name for name in names}
