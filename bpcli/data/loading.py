"""The whole way from files to parts: read, split, learn the encoding, encode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bpcli.data.dealing import SplitColumns, deal
from bpcli.data.encoding.columns import ColumnKind
from bpcli.data.encoding.features import Features, learn_features
from bpcli.data.encoding.lookup import missing_columns, require_columns
from bpcli.data.encoding.number_columns import Number
from bpcli.data.encoding.shares import Shares
from bpcli.data.encoding.targets import Classes, Label, Labels, Targets
from bpcli.data.encoding.tasks import Task, learn_classes, learn_reals, scaled_by_default, task_of
from bpcli.data.encoding.training_columns import TrainingColumn
from bpcli.data.files.byte_source import changed_while_read
from bpcli.data.files.dataset import Dataset, Format, Matrix
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.sources import Examples
from bpcli.data.splitting import SplitRequest
from bpcli.data.warnings import DataWarnings
from bpcli.data.weighting import WeightRequest, Weights, column_weights, weigh
from bpcli.errors import ConfigError, raise_all
from bpcli.nn import IndexArray
from bpcli.nn.losses import TargetForm


@dataclass(frozen=True)
class Files:
    """Where the parts come from: a file each, or a split of the training file."""

    train: FilePair
    validation: FilePair | None = None
    test: FilePair | None = None
    split: SplitRequest = field(default_factory=SplitRequest)
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
    types: Mapping[str, ColumnKind] = field(default_factory=dict)
    task: Task | None = None
    scale: str | None = None
    scale_targets: str | None = None
    split_columns: SplitColumns = field(default_factory=SplitColumns)
    weights: WeightRequest = field(default_factory=WeightRequest)

    @property
    def set_apart(self) -> set[str]:
        """The columns that are features only where they are listed as such."""
        named = [*self.split_columns.named, self.weights.column]
        return {name for name in named if name is not None}


@dataclass(frozen=True)
class Part(Examples):
    """The examples of one part: ``rows`` of a file, or of a ``pair`` of them, in the file's order."""

    pair: FilePair
    rows: IndexArray

    @property
    def path(self) -> str:
        """The file with the features."""
        return self.pair.features


@dataclass(frozen=True)
class Loaded:
    """The parts and the encodings learned; ``request`` as it was, with all that the data decided filled in.

    ``digests`` has the SHA-256 of every file's bytes as they were read, None of a pipe;
    ``class_weights`` the weight of each class in training, empty where classes have none.
    """

    parts: dict[str, Part]
    features: Features
    targets: Targets
    feature_names: list[str]
    request: DataRequest
    warnings: DataWarnings
    digests: dict[str, str | None]
    class_weights: dict[Label, float] = field(default_factory=dict)


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
    rows = deal(datasets, files.split, request.split_columns, request.types, classes, rng)
    targets = classes or learn_reals(
        train, target_names, rows["train"], decided.scale_targets or "none", request.target_form
    )
    encoded = {part: targets.source(datasets.get(part, train), own, dtype) for part, own in rows.items()}
    if isinstance(targets, Classes):
        _warn_of_classes(datasets, rows, targets, warnings)
    weights, of_classes = weigh(datasets, rows, targets, request.weights, dtype)
    features = learn_features(train, feature_names, rows["train"], decided.scale or "none", warnings, request.types)
    parts = {}
    pairs = files.pairs()
    for dataset in datasets.values():  # the last use of each: encoding them releases their memory
        own = {part: part_rows for part, part_rows in rows.items() if datasets.get(part, train) is dataset}
        for part, source in features.sources(dataset, own, dtype, warnings, last=True).items():
            parts[part] = Part(source, encoded[part], pairs.get(part, files.train), rows[part], **vars(weights[part]))
    parts = {part: parts[part] for part in rows}
    return Loaded(parts, features, targets, feature_names, decided, warnings, _digests(datasets), of_classes)


def load_with_encoding(
    pair: FilePair,
    form: Format,
    features: Features,
    targets: Targets,
    dtype: np.dtype,
    weight_column: str | None = None,
) -> tuple[Part, DataWarnings]:
    """Read one file with encodings learned before, as one part.

    Where the file has no ``weight_column``, each example counts as one, with a warning.

    Raises:
        DataError, ConfigError: the file does not fit them.
    """
    warnings = DataWarnings()
    dataset = read_dataset(pair, form, features.text_columns | set(targets.names))
    require_columns(targets.names, dataset)
    rows = np.arange(dataset.size)
    encoded = targets.source(dataset, rows, dtype)
    weights = Weights()
    if weight_column is not None and weight_column in dataset.names:
        own = column_weights(dataset, weight_column, rows, dtype)
        weights = Weights(own, own)
    elif weight_column is not None:
        warnings.other.append(f"{dataset.path} has no column {weight_column!r}: each example counts as one")
    source = features.sources(dataset, {"all": rows}, dtype, warnings, last=True)["all"]
    return Part(source, encoded, pair, rows, **vars(weights)), warnings


def _read_parts(files: Files, request: DataRequest) -> tuple[dict[str, Dataset], list[str], list[str]]:
    """Each file by its part, and the names of targets and features that they all have."""
    exact = None if request.targets is None else frozenset(request.targets)
    pairs = files.pairs()
    train = read_dataset(pairs.pop("train"), files.form, exact)
    _require_named(train, request)
    target_names = _target_names(train, request)
    _require_no_types(target_names, request)
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
) -> Classes | Labels | Shares | None:
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
                column = TrainingColumn(datasets["train"], name, np.arange(datasets["train"].size))
                found = Number().slips(column)
                warnings.slips.extend([found] if found else [])
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
    single = {"group": request.split_columns.group, "order": request.split_columns.order}
    single["sample_weight"] = request.weights.column
    named |= {key: None if name is None else [name] for key, name in single.items()}
    named["types"] = list(request.types)
    raise_all([error for key, names in named.items() for error in missing_columns(names or [], dataset, f"data.{key}")])


def _target_names(dataset: Dataset, request: DataRequest) -> list[str]:
    if request.targets is None:
        return dataset.own_targets or [name for name in dataset.names if name not in request.set_apart][-1:]
    _once(request.targets, "data.target")
    return request.targets


def _require_no_types(target_names: list[str], request: DataRequest) -> None:
    """What a target is, the task says.

    Raises:
        ConfigError: ``data.types`` says it.
    """
    for name in target_names:
        if name in request.types:
            raise ConfigError(
                f"column {name!r} is the target, which data.types does not speak of",
                key=f"data.types.{name}",
                hint="data.task: classification or regression says what targets are",
            )


def _feature_names(dataset: Dataset, target_names: list[str], request: DataRequest) -> list[str]:
    apart = set(target_names) | set(dataset.own_targets)
    if request.features is not None:
        _once(request.features, "data.features")
        both = [name for name in request.features if name in apart]
        if both:
            raise ConfigError(
                f"column {both[0]!r} is the target and a feature", key="data.features", hint="leave it out of one"
            )
    every = [name for name in dataset.names if name not in request.set_apart]
    chosen = every if request.features is None else request.features
    dropped = {*request.drop, *(name for name, kind in request.types.items() if kind.encoder is None)}
    names = [name for name in chosen if name not in apart and name not in dropped]
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
