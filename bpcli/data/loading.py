"""The whole way from files to parts: read, split, learn the encoding, encode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bpcli.data.encoding.classes import Classes, Label
from bpcli.data.encoding.features import Features, learn_features
from bpcli.data.encoding.lookup import require_columns, widths_of
from bpcli.data.encoding.targets import Targets
from bpcli.data.files.dataset import Dataset, Format, Reading
from bpcli.data.files.file_digest import FileDigest, changed_while_read
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.raw import Look, RawData
from bpcli.data.reading_parts import Files, read_and_deal
from bpcli.data.request import DataRequest
from bpcli.data.sources import Examples, Source
from bpcli.data.warnings import DataWarnings
from bpcli.data.weighting import Weights, column_weights, weigh
from bpcli.nn import IndexArray


@dataclass(frozen=True)
class Part(Examples):
    """The examples of one part: ``rows`` of a file, or of a ``pair`` of them, in the file's order.

    ``files`` are those that were read, of the whole dataset that the part is of.
    """

    pair: FilePair
    rows: IndexArray
    files: tuple[FileDigest, ...] = field(default=(), kw_only=True)

    @property
    def path(self) -> str:
        """The file with the features."""
        return self.pair.features

    def where(self, example: int) -> str:
        """The place of an example, for messages: its row, counted from 0."""
        return f"{self.path}: row {self.rows[example]}"

    def require_learned_bytes(self) -> None:
        """The part's numbers are those whose hash was taken, wherever they still lie.

        Raises:
            DataError: a mapped file was written to.
        """
        for file in self.files:
            file.require_learned_bytes()


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

    def moved_on(self) -> list[str]:
        """The paths that lead to something else by now than what was read."""
        read = {file.path: file for part in self.parts.values() for file in part.files}
        return [str(path) for path, file in read.items() if file.moved_on]


def load_parts(
    files: Files, request: DataRequest, dtype: np.dtype, rng: np.random.Generator, look: Look | None = None
) -> Loaded:
    """Read every part and learn the encoding from the training part; ``look`` sees the data before they are encoded.

    Raises:
        DataError: a file is absent or malformed.
        ConfigError: the config asks for what the data do not have.
    """
    warnings = DataWarnings()
    dealt = read_and_deal(files, request, rng, warnings)
    datasets, rows, train, targets, decided = dealt.datasets, dealt.rows, dealt.train, dealt.targets, dealt.request
    learned, learned_from = dealt.target_names, dealt.features
    _warn_of_same_files(datasets, warnings)
    encoded = {part: targets.source(datasets.get(part, train), own, dtype) for part, own in rows.items()}
    if isinstance(targets, Classes):
        _warn_of_classes(datasets, rows, targets, warnings)
    weights, of_classes = weigh(datasets, rows, targets, request.weights, dtype)
    widths = widths_of(train, learned)
    features = learn_features(
        train, learned_from, rows["train"], decided.scale or "none", warnings, request.types, widths, dtype
    )
    if look is not None:
        raw = RawData(datasets, rows, learned_from, learned, decided.task == "classification")
        warnings.other.extend(look(raw))
    sources, pairs = _sources(datasets, rows, features, dtype, warnings), files.pairs()
    parts = {}
    for part, own in rows.items():
        pair, read = pairs.get(part, files.train), _read_files(datasets.get(part, train))
        parts[part] = Part(sources[part], encoded[part], pair, own, **vars(weights[part]), files=read)
    return Loaded(parts, features, targets, learned_from, decided, warnings, _digests(datasets), of_classes)


def _sources(
    datasets: dict[str, Dataset],
    rows: dict[str, IndexArray],
    features: Features,
    dtype: np.dtype,
    warnings: DataWarnings,
) -> dict[str, Source]:
    """The encoded features of each part; this is the last use of the datasets, and releases their memory.

    Raises:
        DataError: a mapped file that is in memory now was written to before.
    """
    found: dict[str, Source] = {}
    for dataset in datasets.values():
        own = {part: of for part, of in rows.items() if datasets.get(part, datasets["train"]) is dataset}
        sources = features.sources(dataset, own, dtype, warnings, last=True)
        _require_learned_bytes(dataset, sources.values())
        found |= sources
    return found


def load_with_encoding(
    pair: FilePair,
    form: Format,
    features: Features,
    targets: Targets,
    dtype: np.dtype,
    weight_column: str | None = None,
    threads: int = 1,
) -> tuple[Part, DataWarnings]:
    """Read one file with encodings learned before, as one part.

    Where the file has no ``weight_column``, each example counts as one, with a warning.

    Raises:
        DataError, ConfigError: the file does not fit them.
    """
    warnings = DataWarnings()
    reading = Reading(threads, frozenset(() if weight_column is None else (weight_column,)))
    dataset = read_dataset(pair, form, features.text_columns | set(targets.names), reading)
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
    part = Part(source, encoded, pair, rows, **vars(weights), files=_read_files(dataset))
    _require_learned_bytes(dataset, [source])
    return part, warnings


def _read_files(dataset: Dataset) -> tuple[FileDigest, ...]:
    """The files of a dataset that can be looked at again."""
    return tuple(file for file in dataset.files.values() if file is not None)


def _require_learned_bytes(dataset: Dataset, sources: Iterable[Source]) -> None:
    """The mapped files that no source reads from any more had the bytes that were hashed until now.

    Raises:
        DataError: one was written to.
    """
    in_use = [source.pages for source in sources]
    for file in _read_files(dataset):
        if not any(file.pages is pages for pages in in_use):
            file.require_learned_bytes()
            file.pages = None


def _digests(datasets: dict[str, Dataset]) -> dict[str, str | None]:
    """By path, the SHA-256 of the bytes read.

    Raises:
        DataError: a file that is several parts was not the same for all of them.
    """
    found: dict[str, str | None] = {}
    for dataset in datasets.values():
        for path, file in dataset.files.items():
            digest = None if file is None else file.value
            if found.setdefault(path, digest) != digest:
                raise changed_while_read(path)
    return found


def _warn_of_same_files(datasets: dict[str, Dataset], warnings: DataWarnings) -> None:
    """Tell of parts whose examples are in files of the same bytes."""
    part_of: dict[str, str] = {}
    for part, dataset in datasets.items():
        file = next(iter(dataset.files.values()), None)
        if file is None or file.value is None:
            continue
        other = part_of.setdefault(file.value, part)
        if other != part:
            warnings.other.append(f"{part} and {other} are the same examples: {dataset.path} has the same bytes")


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
