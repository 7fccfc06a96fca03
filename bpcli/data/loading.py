"""The whole way from files to parts: read, split, learn the encoding, encode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bpcli.data.encoding import features as feature_room
from bpcli.data.encoding import tasks
from bpcli.data.encoding.features import Features, lacking
from bpcli.data.encoding.targets import Classes, Targets
from bpcli.data.files.raw import Format, Matrix, Raw, slip_in
from bpcli.data.files.reading import FilePair, digest, read
from bpcli.data.sources import Examples
from bpcli.data.splitting import PARTS, split
from bpcli.data.warnings import Notes
from bpcli.errors import ConfigError, raise_all
from bpcli.nn import IndexArray

ScaleName = Literal["standard", "minmax", "none"]


@dataclass(frozen=True)
class Files:
    """Where the parts come from: a file each, or fractions of the training file."""

    train: FilePair
    validation: FilePair | None = None
    test: FilePair | None = None
    fractions: dict[str, float] = field(default_factory=dict)
    form: Format = field(default_factory=Format)

    def pairs(self) -> dict[str, FilePair]:
        """The parts that have files of their own."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {part: pair for part, pair in named.items() if pair is not None}


@dataclass(frozen=True)
class Wanted:
    """What to take from the files and how to encode it; None where the data decide.

    ``class_indices`` and ``of_probabilities`` are the loss's; ``open_output`` says
    that the output activation is the identity, so that scaled targets are in reach.
    """

    class_indices: bool
    of_probabilities: bool
    open_output: bool
    targets: list[str] | None = None
    features: list[str] | None = None
    drop: list[str] = field(default_factory=list)
    task: tasks.Task | None = None
    scale: ScaleName | None = None
    scale_targets: Literal["standard", "none"] | None = None


@dataclass(frozen=True)
class Part(Examples):
    """The examples of one part: ``rows`` of the file ``path``, in the file's order."""

    path: str
    rows: IndexArray


@dataclass(frozen=True)
class Loaded:
    """The parts, the encodings learned, and what was decided on the way."""

    parts: dict[str, Part]
    features: Features
    targets: Targets
    target_names: list[str]
    feature_names: list[str]
    task: tasks.Task
    scale: ScaleName
    scale_targets: Literal["standard", "none"]
    notes: Notes
    digests: dict[str, str | None]


def load(files: Files, wanted: Wanted, dtype: np.dtype, rng: np.random.Generator) -> Loaded:
    """Read every part and learn the encoding from the training part.

    Raises:
        DataError: a file is absent or malformed.
        ConfigError: the config asks for what the data do not have.
    """
    notes = Notes()
    text = None if wanted.targets is None else frozenset(wanted.targets)
    pairs = files.pairs()
    train = read(pairs.pop("train"), files.form, text)
    _require_columns(train, wanted)
    target_names = _target_names(train, wanted)
    feature_names = _feature_names(train, target_names, wanted)
    alike = _texts_of(train) | set(target_names)
    raws = {"train": train} | {part: read(pair, files.form, alike) for part, pair in pairs.items()}
    for raw in raws.values():
        feature_room.require(target_names, raw, "data.target")
    task = tasks.task_of(train, target_names, wanted.task, of_probabilities=wanted.of_probabilities)
    targets: Targets | None = None
    if task == "classification":
        targets = tasks.learn_classes(
            list(raws.values()),
            target_names,
            class_indices=wanted.class_indices,
            of_probabilities=wanted.of_probabilities,
        )
        if not wanted.of_probabilities and wanted.task is None:
            _note_slips(train, target_names, notes)
    rows = _rows(raws, files.fractions, targets, rng)
    scale_targets: Literal["standard", "none"] = "none"
    if targets is None:
        scale_targets = wanted.scale_targets or ("standard" if wanted.open_output else "none")
        targets = tasks.learn_reals(train, target_names, rows["train"], scale_targets)
    elif wanted.scale_targets == "standard":
        raise ConfigError("classes are not scaled", key="data.scale_targets", hint="leave it out, or task: regression")
    scale = wanted.scale or ("minmax" if isinstance(train, Matrix) and train.images else "standard")
    encoded = {part: targets.source(raws.get(part, train), own, dtype) for part, own in rows.items()}
    if isinstance(targets, Classes):
        _note_classes(raws, rows, targets, notes)
    features = feature_room.learn(train, feature_names, rows["train"], scale, notes)
    parts = {}
    for raw in raws.values():  # the last to be read: encoding them gives back their memory
        own = {part: part_rows for part, part_rows in rows.items() if raws.get(part, train) is raw}
        for part, source in features.sources(raw, own, dtype, notes, last=True).items():
            parts[part] = Part(source, encoded[part], raw.path, rows[part])
    parts = {part: parts[part] for part in rows}
    digests = {path: digest(path) for pair in files.pairs().values() for path in pair.paths}
    return Loaded(parts, features, targets, target_names, feature_names, task, scale, scale_targets, notes, digests)


def load_known(
    pair: FilePair, form: Format, features: Features, targets: Targets, dtype: np.dtype
) -> tuple[Part, Notes]:
    """Read one file with encodings learned before, as one part.

    Raises:
        DataError, ConfigError: the file does not fit them.
    """
    notes = Notes()
    raw = read(pair, form, features.text_columns | set(targets.names))
    feature_room.require(targets.names, raw)
    rows = np.arange(raw.size)
    encoded = targets.source(raw, rows, dtype)
    source = features.sources(raw, {"all": rows}, dtype, notes, last=True)["all"]
    return Part(source, encoded, raw.path, rows), notes


def _texts_of(raw: Raw) -> frozenset[str]:
    """The columns of text, to be read as text in every other file too."""
    if isinstance(raw, Matrix):
        return frozenset()
    return frozenset(name for name in raw.names if raw.column(name).dtype == object)


def _require_columns(raw: Raw, wanted: Wanted) -> None:
    """Every column that the config names is in the file; all that are not are told at once."""
    named = {"target": wanted.targets, "features": wanted.features, "drop": wanted.drop}
    raise_all([error for key, names in named.items() for error in lacking(names or [], raw, f"data.{key}")])


def _target_names(raw: Raw, wanted: Wanted) -> list[str]:
    if wanted.targets is None:
        return raw.own_targets or raw.names[-1:]
    _once(wanted.targets, "data.target")
    return wanted.targets


def _feature_names(raw: Raw, target_names: list[str], wanted: Wanted) -> list[str]:
    apart = set(target_names) | set(raw.own_targets)
    if wanted.features is not None:
        _once(wanted.features, "data.features")
        both = [name for name in wanted.features if name in apart]
        if both:
            raise ConfigError(
                f"column {both[0]!r} is the target and a feature", key="data.features", hint="leave it out of one"
            )
    chosen = raw.names if wanted.features is None else wanted.features
    names = [name for name in chosen if name not in apart and name not in wanted.drop]
    if not names:
        raise ConfigError(
            f"{raw.path} has no column left for a feature (its columns are {', '.join(raw.names[:20])})",
            key="data.path",
            hint="check data.target, data.drop and, where a whole row reads as one column, data.delimiter",
        )
    return names


def _once(names: list[str], key: str) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ConfigError(f"column {name!r} stands twice", key=key, hint="name each column once")


def _rows(
    raws: dict[str, Raw], fractions: dict[str, float], targets: Targets | None, rng: np.random.Generator
) -> dict[str, IndexArray]:
    """The rows of each part in its file; parts without examples are left out."""
    train = raws["train"]
    everything = np.arange(train.size)
    for part, fraction in fractions.items():
        if fraction > 0 and round(fraction * train.size) == 0:
            raise ConfigError(
                f"{fraction} of {train.size} examples is none", key=f"data.split.{part}", hint="give it more or nothing"
            )
    classes = targets.indices(train, everything) if isinstance(targets, Classes) else None
    rows = split(train.size, fractions, rng, classes)
    rows |= {part: np.arange(raw.size) for part, raw in raws.items() if part != "train"}
    for part, fraction in fractions.items():
        if fraction > 0 and not len(rows[part]):
            raise ConfigError(
                f"training needs all {train.size} examples, at least one of each class: none is left for {part}",
                key=f"data.split.{part}",
                hint="leave it out, or add examples",
            )
    return {part: rows[part] for part in PARTS if len(rows[part])}


def _note_slips(raw: Raw, names: list[str], notes: Notes) -> None:
    """Tell of targets that became classes for a few cells that are not numbers."""
    for name in names:
        column = raw.column(name)
        slip = slip_in(column) if column.dtype == object else None
        if slip is not None:
            notes.nearly_numbers.append(f"{name} ({slip!r})")


def _note_classes(raws: dict[str, Raw], rows: dict[str, IndexArray], targets: Classes, notes: Notes) -> None:
    counts = {}
    for part, part_rows in rows.items():
        indices = targets.indices(raws.get(part, raws["train"]), part_rows)
        counts[part] = np.bincount(indices, minlength=len(targets.labels))
    total = np.sum(list(counts.values()), axis=0)
    for label, trained, everywhere in zip(targets.labels, counts["train"], total, strict=True):
        if trained == 0:
            notes.absent.append(str(label))
        elif everywhere == 1 and len(rows) > 1:
            notes.rare.append(str(label))
