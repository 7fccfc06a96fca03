"""Files read and their rows dealt into parts, with what the targets are: all that can be known before encoding."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bpcli.data.dealing import deal
from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.labels import Labels
from bpcli.data.encoding.lookup import require_columns
from bpcli.data.encoding.number_columns import Number
from bpcli.data.encoding.shares import Shares
from bpcli.data.encoding.targets import Targets
from bpcli.data.encoding.tasks import learn_classes, learn_reals, scaled_by_default, task_of
from bpcli.data.encoding.training_columns import TrainingColumn
from bpcli.data.files.dataset import Dataset, Format, Matrix
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.request import DataRequest, feature_names, require_named, require_no_types, target_names
from bpcli.data.splitting import SplitRequest
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError
from bpcli.nn import IndexArray


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
class Dealt:
    """The dataset of each file by its part, ``train`` always among them, and the rows of every part in its own.

    ``features`` and ``target_names`` are columns; ``request`` is as it was, with all that the data decide filled in.
    """

    datasets: dict[str, Dataset]
    rows: dict[str, IndexArray]
    features: list[str]
    target_names: list[str]
    targets: Targets
    request: DataRequest

    @property
    def train(self) -> Dataset:
        """The file with the training part."""
        return self.datasets["train"]


def read_and_deal(files: Files, request: DataRequest, rng: np.random.Generator, warnings: DataWarnings) -> Dealt:
    """Read every file, deal its rows, and learn what the targets are.

    Raises:
        DataError: a file is absent or malformed.
        ConfigError: the config asks for what the data do not have.
    """
    datasets, learned, features = _read_parts(files, request)
    train = datasets["train"]
    decided = _decided(train, learned, request)
    classes = _learn_classes(datasets, request, decided, warnings)
    rows = deal(datasets, files.split, request.split_columns, request.types, classes, rng)
    targets = classes or learn_reals(
        train, learned, rows["train"], decided.scale_targets or "none", request.target_form
    )
    return Dealt(datasets, rows, features, learned, targets, decided)


def _read_parts(files: Files, request: DataRequest) -> tuple[dict[str, Dataset], list[str], list[str]]:
    """Each file by its part, and the names of targets and features that they all have."""
    exact = None if request.targets is None else frozenset(request.targets)
    pairs = files.pairs()
    train = read_dataset(pairs.pop("train"), files.form, exact, request.reading)
    require_named(train, request)
    targets = target_names(train, request)
    require_no_types(targets, request)
    features = feature_names(train, targets, request)
    alike = _text_columns(train) | set(targets)
    others = {part: read_dataset(pair, files.form, alike, request.reading) for part, pair in pairs.items()}
    datasets = {"train": train} | others
    for dataset in datasets.values():
        require_columns(targets, dataset, "data.target")
    return datasets, targets, features


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


def _text_columns(dataset: Dataset) -> frozenset[str]:
    """The columns of text, to be read as text in every other file too."""
    if isinstance(dataset, Matrix):
        return frozenset()
    return frozenset(name for name in dataset.names if dataset.column(name).dtype == object)
