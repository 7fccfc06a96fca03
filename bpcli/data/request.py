"""What a config asks of the data, and which columns of a file that makes targets and features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpcli.data.dealing import SplitColumns
from bpcli.data.encoding.columns import ColumnKind
from bpcli.data.encoding.lookup import missing_columns
from bpcli.data.encoding.tasks import Task
from bpcli.data.files.dataset import Dataset, Reading
from bpcli.data.weighting import WeightRequest
from bpcli.errors import ConfigError, raise_all
from bpcli.nn.losses import TargetForm
from bpcli.readers import ONE_READER, Readers


@dataclass(frozen=True)
class DataRequest:
    """What to take from the files and how to encode it; None where the data decide.

    ``target_form`` is what the loss takes; ``open_output`` says that the output activation is the
    identity, which can follow scaled targets. ``threads`` of each of the ``readers`` may read side by side, which
    changes nothing.
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
    threads: int = 1
    readers: Readers = ONE_READER

    @property
    def reading(self) -> Reading:
        """How arrays are read: what is set apart is kept, and the last column besides."""
        return Reading(self.threads, frozenset(self.set_apart), 1 + len(self.set_apart), self.readers)

    @property
    def set_apart(self) -> set[str]:
        """The columns that are features only where they are listed as such."""
        named = [*self.split_columns.named, self.weights.column]
        return {name for name in named if name is not None}


def require_named(dataset: Dataset, request: DataRequest) -> None:
    """Every column that the config names is in the file.

    Raises:
        ConfigError, SeveralErrors: some are not; all of them are reported at once.
    """
    named = {"target": request.targets, "features": request.features, "drop": request.drop}
    single = {"group": request.split_columns.group, "order": request.split_columns.order}
    single["sample_weight"] = request.weights.column
    named |= {key: None if name is None else [name] for key, name in single.items()}
    named["types"] = list(request.types)
    raise_all([error for key, names in named.items() for error in missing_columns(names or [], dataset, f"data.{key}")])


def target_names(dataset: Dataset, request: DataRequest) -> list[str]:
    """The columns to learn: as asked, as the file marks them, or the last one that is not set apart."""
    if request.targets is None:
        return dataset.own_targets or [name for name in dataset.names if name not in request.set_apart][-1:]
    _once(request.targets, "data.target")
    return request.targets


def require_no_types(targets: list[str], request: DataRequest) -> None:
    """What a target is, the task says.

    Raises:
        ConfigError: ``data.types`` says it.
    """
    for name in targets:
        if name in request.types:
            raise ConfigError(
                f"column {name!r} is the target, which data.types does not speak of",
                key=f"data.types.{name}",
                hint="data.task: classification or regression says what targets are",
            )


def feature_names(dataset: Dataset, targets: list[str], request: DataRequest) -> list[str]:
    """The columns to learn from: as asked, or every other one.

    Raises:
        ConfigError: there is none, or one is named twice or a target too, or has a type and is none.
    """
    apart = set(targets) | set(dataset.own_targets)
    _require_types_of_features(request)
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


def _require_types_of_features(request: DataRequest) -> None:
    """What a column of weights or groups holds is not for ``data.types`` to say, unless it is a feature too.

    Raises:
        ConfigError: it does.
    """
    uses = {request.weights.column: "data.sample_weight", request.split_columns.group: "data.group"}
    for name, kind in request.types.items():
        if name in uses and kind.encoder is not None and name not in (request.features or ()):
            raise ConfigError(
                f"column {name!r} is {uses[name]}, and no feature that data.types could be about",
                key=f"data.types.{name}",
                hint=f"leave it out, or list {name!r} in data.features too",
            )


def _once(names: list[str], key: str) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ConfigError(f"column {name!r} stands twice", key=key, hint="name each column once")
