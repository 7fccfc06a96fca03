"""A run opened again: its model, the data that it was trained on, or its whole experiment.

The data of a run may have changed since it was trained. Opening them compares them
with the run. A part of changed data is not the part that the run had, so its rows
are refused; a gradient or an explanation is right of any rows, so there a warning
tells of a file with another digest, and only another encoding is refused.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bpcli.config.reading import LocatedConfig, read_config
from bpcli.config.schema import Config
from bpcli.cores import threads_for, usable_cores
from bpcli.data.encoding.targets import judging_of
from bpcli.data.loading import Loaded, Part
from bpcli.data.raw import Look
from bpcli.errors import BpError, ConfigError, DataError
from bpcli.experiment import Experiment, build, parts_of
from bpcli.nn.metrics import Metric, by_column, usual_metrics
from bpcli.runs.folder import CONFIG_FILE, require_files
from bpcli.runs.kept_parameters import describe_kept, kept_epoch
from bpcli.runs.model_file import Model, load_model
from bpcli.runs.own_files import read_own_config, require_own_split
from bpcli.runs.record import RECORD_FILE, read_record
from bpcli.training.initial_parameters import MODEL, fill_parameters

OTHER_ENCODING = "the data are not encoded as those the run was trained on"
ANY_DATA = "measure on any examples with --data FILE"
DATA_OPTION_HINT = f"restore the data file, or {ANY_DATA}"
OVERRIDES_HINT = "restore the data file, or leave out the overrides that change how the data are encoded"

SHOWN = 12
"""How many digits of a hash are shown."""


@dataclass(frozen=True)
class ReopenedRun:
    """A trained model with the run folder, or the file alone, that it was read from."""

    path: Path
    model: Model

    @property
    def kept(self) -> tuple[int, str] | None:
        """The epoch that the model's parameters are of, and in words which that is; None where no record tells."""
        record = read_record(self.path) if (self.path / RECORD_FILE).exists() else {}
        epoch = kept_epoch(record)
        return None if epoch is None else (epoch, describe_kept(record))

    @property
    def data_files(self) -> list[str]:
        """The files that the run learned from; none where no record tells."""
        record = read_record(self.path) if (self.path / RECORD_FILE).exists() else {}
        return list(record.get("data", {}))

    def parts(self) -> dict[str, Part]:
        """The parts of the run's data, split as in training.

        Raises:
            ConfigError, DataError: as :meth:`loaded`.
        """
        return self.loaded().parts

    def loaded(self, look: Look | None = None) -> Loaded:
        """The run's data, split and encoded as in training; ``look`` sees them before they are encoded.

        Raises:
            ConfigError, DataError: the config or the data are absent or malformed, or not those of the run.
        """
        located = read_own_config(self.path)
        try:
            loaded = parts_of(located, look)
        except BpError:  # what is wrong with other data than the run's does not matter
            self._require_own_files(_digests_on_disk(located.config))
            raise
        self._require_own_files(loaded.digests)
        self._check_data(loaded, DATA_OPTION_HINT)
        require_own_split(self.path, located.config, loaded)
        return loaded

    def learned_from(self, part: Part) -> str:
        """In words, that a part of another file has examples that the model learned from, if their file tells.

        Raises:
            ConfigError, DataError: the run's config or its record is malformed.
        """
        given = next((file.value for file in part.files), None)
        if given is None or not (self.path / CONFIG_FILE).exists() or not (self.path / RECORD_FILE).exists():
            return ""
        data, record = read_own_config(self.path).config.data, read_record(self.path)
        train = data.path or data.train
        if train is None or record.get("data", {}).get(train.features) != given:
            return ""
        if not data.split.deals:
            return f"{part.path} is what the model learned from: this is no test of it"
        count = record.get("examples", {}).get("train", 0)
        return (
            f"{part.path} is the run's own file: the model learned from {count:,} of these {part.size:,} examples; "
            "--split test has those held out"
        )

    def _require_own_files(self, digests: dict[str, str | None]) -> None:
        """The files are those that the run learned from.

        Raises:
            DataError: one is not, or the run has no hash of it.
        """
        recorded = read_record(self.path).get("data", {})
        for path, found in digests.items():
            if found is not None and recorded.get(path) != found:
                was = f"the run's was {str(recorded[path])[:SHOWN]}…" if path in recorded else "the run has none of it"
                raise DataError(
                    f"not the run's data: its SHA-256 is {found[:SHOWN]}…, {was}",
                    where=path,
                    hint=f"restore the file, or {ANY_DATA}",
                )

    def metrics(self) -> dict[str, Metric]:
        """The metrics that the run's config picks, by the names of their columns; the usual ones of a file alone.

        Raises:
            ConfigError: the config is malformed.
        """
        output_range = self.model.network.head.activation.range
        picked = self._picked()
        return by_column(picked or usual_metrics(judging_of(self.model.targets, output_range)))

    @property
    def threads(self) -> int:
        """How many threads the run's config allows; as many as there are cores for a file alone.

        Raises:
            ConfigError: the config is malformed.
        """
        config = self._config
        return usable_cores() if config is None else threads_for(config.threads)

    def _picked(self) -> list[Metric] | None:
        return None if self._config is None else self._config.metrics

    @cached_property
    def _config(self) -> Config | None:
        if not (self.path / CONFIG_FILE).exists():
            return None
        of_run = (self.path / RECORD_FILE).exists()
        located = read_own_config(self.path) if of_run else read_config(self.path / CONFIG_FILE, [])
        return located.config

    def experiment(
        self, changes: list[str], *, any_encoding: bool = False, own_precision: bool = False
    ) -> OpenedExperiment:
        """The run's experiment, with overrides, at its trained parameters; in float64, unless in ``own_precision``.

        With ``any_encoding``, overrides may encode the data differently; a warning says so.

        Raises:
            ConfigError, DataError: the config, the data or run.json are absent or malformed, or the data
                are encoded differently, or the overrides change the network's shape or its weights.
        """
        if any(change.startswith("network.weights=") for change in changes):
            raise ConfigError(
                "network.weights, but a run is opened at its trained parameters",
                where="command line",
                hint="leave it out, or name a config",
            )
        without_weights = [*changes, "network.weights=null"]
        opened = _opened(read_own_config(self.path, without_weights), own_precision=own_precision)
        loaded = opened.experiment.loaded
        warnings = self._check_data(loaded, OVERRIDES_HINT, refuse=not (changes and any_encoding))
        fill_parameters(opened.experiment.parameters, self.model.parameters.named(), self.path / MODEL)
        return replace(opened, trained=True, warnings=warnings)

    def _check_data(self, loaded: Loaded, hint: str, *, refuse: bool = True) -> list[str]:
        """Require the encoding of the model; return a warning for each file that differs from run.json's digest.

        Unless ``refuse``, a different encoding is a warning too.
        """
        warnings = []
        recorded = read_record(self.path).get("data", {})
        for path, digest in loaded.digests.items():
            if digest is not None and path not in recorded:
                warnings.append(f"{path} is not what the run learned from")
            elif digest is not None and recorded[path] != digest:
                warnings.append(f"{path} has changed since the run")
        if _encoding(loaded) != _encoding(self.model):
            if refuse:
                raise DataError("; ".join([OTHER_ENCODING, *warnings]), where=str(self.path), hint=hint)
            warnings.insert(0, OTHER_ENCODING)
        return warnings


def _digests_on_disk(config: Config) -> dict[str, str | None]:
    """By path, the SHA-256 of each file of data that a config names, as it is now; None of what is no file."""
    found: dict[str, str | None] = {}
    data = config.data
    for pair in filter(None, (data.path, data.train, data.validation, data.test)):
        for path in filter(None, (pair.features, pair.targets)):
            if Path(path).is_file():
                with suppress(OSError), Path(path).open("rb") as file:
                    found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _encoding(of: Model | Loaded) -> tuple[object, object]:
    """How features and targets become numbers, in a form that can be compared."""
    return of.features.to_json(), of.targets.to_json()


@dataclass(frozen=True)
class OpenedExperiment:
    """An experiment; ``trained`` says whether its parameters are a run's or the initial ones.

    ``dtype`` is the precision that the config trains in.
    """

    config: Config
    experiment: Experiment
    dtype: str
    trained: bool
    warnings: list[str]


def reopen(path: Path) -> ReopenedRun:
    """Open a run folder, or a model file by itself, to use its model.

    Raises:
        DataError: the model file is absent or malformed, or a file of the run is a device or a pipe.
    """
    if path.is_dir():
        require_files(path)
    return ReopenedRun(path, load_model(path))


def open_config(path: Path, changes: list[str], *, own_precision: bool = False) -> OpenedExperiment:
    """The experiment of a config file, with overrides, at its initial parameters, in float64 or its own precision."""
    return _opened(read_config(path, changes), own_precision=own_precision)


def _opened(read: LocatedConfig, *, own_precision: bool) -> OpenedExperiment:
    dtype = read.config.dtype
    if not own_precision:
        read = replace(read, config=read.config.model_copy(update={"dtype": "float64"}))
    return OpenedExperiment(read.config, build(read), dtype, trained=False, warnings=[])


def open_experiment(
    source: Path, changes: list[str], *, any_encoding: bool = False, own_precision: bool = False
) -> OpenedExperiment:
    """The experiment of a run folder, at its trained parameters, or of a config, at its initial ones.

    It is in float64, or in the precision that the config trains in.

    Raises:
        ConfigError, DataError: as :meth:`ReopenedRun.experiment`.
    """
    if source.is_dir():
        return reopen(source).experiment(changes, any_encoding=any_encoding, own_precision=own_precision)
    return open_config(source, changes, own_precision=own_precision)
