"""A run opened again: its model, the data that it was trained on, or its whole experiment.

The data of a run may have changed since it was trained. Opening them compares them
with the run: a different encoding is an error, a file with a different digest a warning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bpcli.config.reading import read_config
from bpcli.config.schema import Config
from bpcli.data.encoding.targets import judging_of
from bpcli.data.loading import Loaded, Part
from bpcli.errors import ConfigError, DataError
from bpcli.experiment import Experiment, build, parts_of
from bpcli.nn.metrics import Metric, by_column, usual_metrics
from bpcli.runs.folder import CONFIG_FILE
from bpcli.runs.kept_parameters import describe_kept, kept_epoch
from bpcli.runs.model_file import Model, load_model
from bpcli.runs.record import RECORD_FILE, read_record
from bpcli.training.initial_parameters import MODEL, fill_parameters

OTHER_ENCODING = "the data are not encoded as those the run was trained on"
DATA_OPTION_HINT = "restore the data file, or name another with --data"
OVERRIDES_HINT = "restore the data file, or leave out the overrides that change how the data are encoded"


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

    def parts(self) -> tuple[dict[str, Part], list[str]]:
        """The parts of the run's data, split as in training, and a warning for each file that has changed.

        Raises:
            ConfigError, DataError: the config or the data are absent or malformed, or encoded differently.
        """
        loaded = parts_of(read_config(self.path / CONFIG_FILE, []))
        return loaded.parts, self._check_data(loaded, DATA_OPTION_HINT)

    def metrics(self) -> dict[str, Metric]:
        """The metrics that the run's config picks, by the names of their columns; the usual ones of a file alone.

        Raises:
            ConfigError: the config is malformed.
        """
        config, output_range = self.path / CONFIG_FILE, self.model.network.head.activation.range
        picked = read_config(config, []).config.metrics if config.is_file() else None
        return by_column(picked or usual_metrics(judging_of(self.model.targets, output_range)))

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
        opened = open_config(self.path / CONFIG_FILE, without_weights, own_precision=own_precision)
        loaded = opened.experiment.loaded
        warnings = self._check_data(loaded, OVERRIDES_HINT, refuse=not (changes and any_encoding))
        fill_parameters(opened.experiment.parameters, self.model.parameters.named(), self.path / MODEL)
        return replace(opened, trained=True, warnings=warnings)

    def _check_data(self, loaded: Loaded, hint: str, *, refuse: bool = True) -> list[str]:
        """Require the encoding of the model; return a warning for each file that differs from run.json's digest.

        Unless ``refuse``, a different encoding is a warning too.
        """
        warnings = []
        if _encoding(loaded) != _encoding(self.model):
            if refuse:
                raise DataError(OTHER_ENCODING, where=str(self.path), hint=hint)
            warnings.append(OTHER_ENCODING)
        recorded = read_record(self.path).get("data", {})
        changed = [path for path, digest in loaded.digests.items() if recorded.get(path, digest) != digest]
        return [*warnings, *(f"{path} has changed since the run" for path in changed)]


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
        DataError: the model file is absent or malformed.
    """
    return ReopenedRun(path, load_model(path))


def open_config(path: Path, changes: list[str], *, own_precision: bool = False) -> OpenedExperiment:
    """The experiment of a config file, with overrides, at its initial parameters, in float64 or its own precision."""
    read = read_config(path, changes)
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
