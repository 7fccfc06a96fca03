"""The whole way from files to parts: read, split, learn the encoding, encode."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bpcli.data.encoding.columns import warn_of_strays
from bpcli.data.encoding.features import Features, learn_features
from bpcli.data.encoding.lookup import missing_columns, require_columns
from bpcli.data.encoding.targets import Classes, Labels, Targets
from bpcli.data.encoding.tasks import Task, learn_classes, learn_reals, scaled_by_default, task_of
from bpcli.data.files.byte_source import changed_while_read
from bpcli.data.files.dataset import Dataset, Format, Matrix
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.sources import Examples
from bpcli.data.splitting import PARTS, split
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError, raise_all
from bpcli.nn import IndexArray
from bpcli.nn.losses import TargetForm


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
class DataRequest:
    """What to take from the files and how to encode it; None where the data decide.

    ``target_form`` is what the loss takes; ``open_output`` says that the output activation is the
    identity, which can follow scaled targets.
    """

    target_form: TargetForm
    open_output: bool
    targets: list[str] | None = None
    features: list[str] | None = None
    drop: list[str] = field(default_factory=list)
    task: Task | None = None
    scale: str | None = None
    scale_targets: str | None = None


@dataclass(frozen=True)
class Part(Examples):
    """The examples of one part: ``rows`` of the file ``path``, in the file's order."""

    path: str
    rows: IndexArray


@dataclass(frozen=True)
class Loaded:
    """The parts and the encodings learned; ``request`` as it was, with all that the data decided filled in.

    ``digests`` has the SHA-256 of every file's bytes as they were read, None of a pipe.
    """

    parts: dict[str, Part]
    features: Features
    targets: Targets
    feature_names: list[str]
    request: DataRequest
    warnings: DataWarnings
    digests: dict[str, str | None]


def load_parts(files: Files, request: DataRequest, dtype: np.dtype, rng: np.random.Generator) -> Loaded:
    """Read every part and learn the encoding from the training part.

    Raises:
        DataError: a file is absent or malformed.
        ConfigError: the config asks for what the data do not have.
    """
    warnings = DataWarnings()
    datasets, target_names, feature_names = _read_parts(files, request)
    train = datasets["train"]
    decided = _decided(train, target_names, request)
    classes = _learn_classes(datasets, request, decided, warnings)
    rows = _rows(datasets, files.fractions, classes, rng)
    targets = classes or learn_reals(
        train, target_names, rows["train"], decided.scale_targets or "none", request.target_form
    )
    encoded = {part: targets.source(datasets.get(part, train), own, dtype) for part, own in rows.items()}
    if isinstance(targets, Classes):
        _warn_of_classes(datasets, rows, targets, warnings)
    features = learn_features(train, feature_names, rows["train"], decided.scale or "none", warnings)
    parts = {}
    for dataset in datasets.values():  # the last use of each: encoding them releases their memory
        own = {part: part_rows for part, part_rows in rows.items() if datasets.get(part, train) is dataset}
        for part, source in features.sources(dataset, own, dtype, warnings, last=True).items():
            parts[part] = Part(source, encoded[part], dataset.path, rows[part])
    parts = {part: parts[part] for part in rows}
    return Loaded(parts, features, targets, feature_names, decided, warnings, _digests(datasets))


def load_with_encoding(
    pair: FilePair, form: Format, features: Features, targets: Targets, dtype: np.dtype
) -> tuple[Part, DataWarnings]:
    """Read one file with encodings learned before, as one part.

    Raises:
        DataError, ConfigError: the file does not fit them.
    """
    warnings = DataWarnings()
    dataset = read_dataset(pair, form, features.text_columns | set(targets.names))
    require_columns(targets.names, dataset)
    rows = np.arange(dataset.size)
    encoded = targets.source(dataset, rows, dtype)
    source = features.sources(dataset, {"all": rows}, dtype, warnings, last=True)["all"]
    return Part(source, encoded, dataset.path, rows), warnings


def _read_parts(files: Files, request: DataRequest) -> tuple[dict[str, Dataset], list[str], list[str]]:
    """Each file by its part, and the names of targets and features that they all have."""
    exact = None if request.targets is None else frozenset(request.targets)
    pairs = files.pairs()
    train = read_dataset(pairs.pop("train"), files.form, exact)
    _require_named(train, request)
    target_names = _target_names(train, request)
    feature_names = _feature_names(train, target_names, request)
    alike = _text_columns(train) | set(target_names)
    datasets = {"train": train} | {part: read_dataset(pair, files.form, alike) for part, pair in pairs.items()}
    for dataset in datasets.values():
        require_columns(target_names, dataset, "data.target")
    return datasets, target_names, feature_names


def _decided(train: Dataset, target_names: list[str], request: DataRequest) -> DataRequest:
    """The request with all that it leaves open decided by the data and the loss."""
    task = task_of(train, target_names, request.task, request.target_form)
    scaled = task == "regression" and scaled_by_default(request.target_form, open_output=request.open_output)
    return replace(
        request,
        targets=target_names,
        task=task,
        scale=request.scale or ("minmax" if isinstance(train, Matrix) and train.images else "standard"),
        scale_targets=request.scale_targets or ("standard" if scaled else "none"),
    )


def _learn_classes(
    datasets: dict[str, Dataset], request: DataRequest, decided: DataRequest, warnings: DataWarnings
) -> Classes | Labels | None:
    """The encoding of a classification, None for a regression."""
    if decided.task == "regression":
        return None
    names = decided.targets or []
    classes = learn_classes(list(datasets.values()), names, request.target_form)
    if decided.scale_targets == "standard":
        raise ConfigError("classes are not scaled", key="data.scale_targets", hint="leave it out, or task: regression")
    if request.target_form.task is None and request.task is None:
        for name in names:  # which became classes
            if datasets["train"].column(name).dtype == object:
                warn_of_strays(datasets["train"], name, np.arange(datasets["train"].size), warnings)
    return classes


def _digests(datasets: dict[str, Dataset]) -> dict[str, str | None]:
    """By path, the SHA-256 of the bytes read.

    Raises:
        DataError: a file that is several parts was not the same for all of them.
    """
    found: dict[str, str | None] = {}
    for dataset in datasets.values():
        for path, digest in dataset.digests.items():
            if found.setdefault(path, digest) != digest:
                raise changed_while_read(path)
    return found


def _text_columns(dataset: Dataset) -> frozenset[str]:
    """The columns of text, to be read as text in every other file too."""
    if isinstance(dataset, Matrix):
        return frozenset()
    return frozenset(name for name in dataset.names if dataset.column(name).dtype == object)


def _require_named(dataset: Dataset, request: DataRequest) -> None:
    """Every column that the config names is in the file; all that are not are reported at once."""
    named = {"target": request.targets, "features": request.features, "drop": request.drop}
    raise_all([error for key, names in named.items() for error in missing_columns(names or [], dataset, f"data.{key}")])


def _target_names(dataset: Dataset, request: DataRequest) -> list[str]:
    if request.targets is None:
        return dataset.own_targets or dataset.names[-1:]
    _once(request.targets, "data.target")
    return request.targets


def _feature_names(dataset: Dataset, target_names: list[str], request: DataRequest) -> list[str]:
    apart = set(target_names) | set(dataset.own_targets)
    if request.features is not None:
        _once(request.features, "data.features")
        both = [name for name in request.features if name in apart]
        if both:
            raise ConfigError(
                f"column {both[0]!r} is the target and a feature", key="data.features", hint="leave it out of one"
            )
    chosen = dataset.names if request.features is None else request.features
    names = [name for name in chosen if name not in apart and name not in request.drop]
    if not names:
        raise ConfigError(
            f"{dataset.path} has no column left for a feature (its columns are {', '.join(dataset.names[:20])})",
            key="data.path",
            hint="check data.target, data.drop and, where a whole row reads as one column, data.delimiter",
        )
    return names


def _once(names: list[str], key: str) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ConfigError(f"column {name!r} stands twice", key=key, hint="name each column once")


def _rows(
    datasets: dict[str, Dataset], fractions: dict[str, float], targets: Targets | None, rng: np.random.Generator
) -> dict[str, IndexArray]:
    """The rows of each part in its file; parts without examples are left out."""
    train = datasets["train"]
    everything = np.arange(train.size)
    for part, fraction in fractions.items():
        if fraction > 0 and round(fraction * train.size) == 0:
            raise ConfigError(
                f"{fraction} of {train.size} examples is none", key=f"data.split.{part}", hint="give it more or nothing"
            )
    classes = targets.indices(train, everything) if isinstance(targets, Classes) else None
    rows = split(train.size, fractions, rng, classes)
    rows |= {part: np.arange(dataset.size) for part, dataset in datasets.items() if part != "train"}
    for part, fraction in fractions.items():
        if fraction > 0 and not len(rows[part]):
            raise ConfigError(
                f"training needs all {train.size} examples, at least one of each class: none is left for {part}",
                key=f"data.split.{part}",
                hint="leave it out, or add examples",
            )
    return {part: rows[part] for part in PARTS if len(rows[part])}


def _warn_of_classes(
    datasets: dict[str, Dataset], rows: dict[str, IndexArray], targets: Classes, warnings: DataWarnings
) -> None:
    counts = {}
    for part, part_rows in rows.items():
        indices = targets.indices(datasets.get(part, datasets["train"]), part_rows)
        counts[part] = np.bincount(indices, minlength=len(targets.labels))
    total = np.sum(list(counts.values()), axis=0)
    for label, trained, everywhere in zip(targets.labels, counts["train"], total, strict=True):
        if trained == 0:
            warnings.absent.append(str(label))
        elif everywhere == 1 and len(rows) > 1:
            warnings.rare.append(str(label))
