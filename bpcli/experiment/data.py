"""The data that a config names, loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bpcli.config.resolution import output_of
from bpcli.config.schema import Config, DataSection, PairSection, SplitSection
from bpcli.cores import threads_for
from bpcli.data.dealing import SplitColumns
from bpcli.data.dimensions import Dimensions, dimensions_of
from bpcli.data.files.dataset import Format
from bpcli.data.files.reading import FilePair
from bpcli.data.loading import Loaded, load_parts
from bpcli.data.raw import Look
from bpcli.data.reading_parts import Files
from bpcli.data.request import DataRequest
from bpcli.data.splitting import Fold, SplitRequest
from bpcli.data.weighting import WeightRequest
from bpcli.errors import BpError, DataError, raise_all
from bpcli.nn.activations import Identity
from bpcli.readers import ONE_READER, Readers
from bpcli.streams import stream


def load(config: Config, look: Look | None = None, readers: Readers = ONE_READER) -> Loaded:
    """The parts of the data, encoded; ``look`` sees them before that. All ``readers`` load them together.

    Raises:
        ConfigError: the config does not fit the data.
        DataError: a file is absent or malformed.
    """
    request = replace(_request(config), readers=readers)
    return load_parts(_files(config), request, np.dtype(config.dtype), _split_stream(config), look)


def dimensions(config: Config) -> Dimensions:
    """How many examples, inputs and outputs there are; errors as those of :func:`load`."""
    return dimensions_of(_files(config), _request(config), _split_stream(config))


def _files(config: Config) -> Files:
    data = config.data
    _require_files(data)
    train = _pair(data.path or data.train)
    assert train is not None, "the rules let no config through without one"
    return Files(train, _pair(data.validation), _pair(data.test), _split_request(data.split), format_of(data))


def _split_stream(config: Config) -> np.random.Generator:
    seed = config.data.split.seed
    return stream(config.seed if seed is None else seed, "split")


def _request(config: Config) -> DataRequest:
    data = config.data
    return DataRequest(
        config.loss.targets,
        open_output=isinstance(output_of(config), Identity),
        targets=data.target,
        features=data.features,
        drop=data.drop,
        types=data.types,
        task=data.task,
        scale=data.scale,
        scale_targets=data.scale_targets,
        split_columns=SplitColumns(data.group, data.order),
        weights=WeightRequest(data.sample_weight, data.class_weight),
        threads=threads_for(config.threads),
    )


def _split_request(section: SplitSection) -> SplitRequest:
    fractions = {"validation": section.validation, "test": section.test}
    return SplitRequest(fractions, None if section.folds is None else Fold(section.fold or 0, section.folds))


def _require_files(data: DataSection) -> None:
    """Every file that the config names is there; all that are not are reported at once, at their keys."""
    missing: list[BpError] = []
    for part in ("path", "train", "validation", "test"):
        section: PairSection | None = getattr(data, part)
        named = {} if section is None else section.model_dump(exclude_none=True)
        for key, path in named.items():
            if not Path(path).exists():
                place = f"data.{part}.{key}"
                missing.append(DataError(f"{path}: no such file", key=place, hint=f"check data.{part}"))
    raise_all(missing)


def _pair(section: PairSection | None) -> FilePair | None:
    return None if section is None else FilePair(section.features, section.targets)


def format_of(data: DataSection) -> Format:
    """How the files are written."""
    return Format(data.delimiter, data.header, tuple(data.missing), data.decimal, data.thousands)
