"""Whether the files of a run folder are those that bp wrote there: config.yaml, the tables and split.csv.

Every command that opens a run refuses a file of it that has changed since, where it reads it. So no result is said of a
run that was made otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from bpcli.config.reading import LocatedConfig, read_config
from bpcli.config.schema import Config
from bpcli.data.loading import Loaded
from bpcli.errors import ConfigError, DataError, refused
from bpcli.runs.epoch_rows import begins_with
from bpcli.runs.folder import CONFIG_FILE
from bpcli.runs.record import MARKED_TABLES, read_record
from bpcli.runs.split_file import SPLIT_FILE, require_split
from bpcli.storage.bounded import read_regular

MOST_OF_CONFIG = 1 << 24
"""More bytes than any config has."""


def read_own_config(folder: Path, changes: Sequence[str] = ()) -> LocatedConfig:
    """The config of a run, with overrides.

    Raises:
        ConfigError: it is absent, or an override is wrong.
        DataError: it has changed since the run, or run.json is absent or malformed.
    """
    require_own_config(folder, read_record(folder))
    return read_config(folder / CONFIG_FILE, [*changes])


def require_own_config(folder: Path, record: Mapping[str, Any]) -> None:
    """config.yaml is the one whose digest the record notes; while a resumed run replaces it, it notes two.

    Raises:
        ConfigError: it is absent.
        DataError: it is another one, or no file.
        SystemRefusedError: the system refused.
    """
    if not is_own_config(folder, record):
        hint = "restore it, or copy the run again"
        raise DataError("it has changed since the run", where=str(folder / CONFIG_FILE), hint=hint)


def is_own_config(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether config.yaml has a digest that the record notes, or the record notes none.

    Raises:
        ConfigError: it is absent.
        DataError: it is no file.
        SystemRefusedError: the system refused.
    """
    path, noted = folder / CONFIG_FILE, [record[key] for key in ("config", "config_before") if key in record]
    try:
        data = read_regular(path, MOST_OF_CONFIG)
    except FileNotFoundError as error:
        raise ConfigError("no such config", where=str(path), hint="restore it, or copy the run again") from error
    except OSError as error:
        raise refused("read", path, error) from error
    return not noted or sha256(data).hexdigest() in noted


def require_own_split(folder: Path, config: Config, loaded: Loaded) -> None:
    """The rows of the run's data are dealt to the parts that split.csv has.

    Raises:
        DataError: they are not.
        SystemRefusedError: the system refused.
    """
    if config.data.split.deals:
        require_split(folder / SPLIT_FILE, loaded)


def require_own_rows(folder: Path, record: Mapping[str, Any], keys: Sequence[str] = tuple(MARKED_TABLES)) -> None:
    """The tables are as they were when the run ended; of a run that has not, nothing is noted.

    Raises:
        DataError: one has changed.
        SystemRefusedError: the system refused.
    """
    for name in changed_tables(folder, {key: record[key] for key in keys if key in record}):
        raise DataError("it has changed since the run", where=str(folder / name), hint="copy the run again")


def changed_tables(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """The tables that do not begin with what the record notes."""
    tables = [key for key in MARKED_TABLES if key in record]
    return [MARKED_TABLES[key] for key in tables if not begins_with(folder / MARKED_TABLES[key], record[key])]
