"""How a run is repeated: the commands, what its bits depend on, and the whole config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from bpcli.report.contents import Beside, Block, Code, Facts, More, Section, Table, Text
from bpcli.report.wording import count
from bpcli.runs.environment import drifts_noted
from bpcli.runs.folder import CONFIG_FILE

VERSIONS = {"bp": "bp", "python": "Python", "numpy": "NumPy", "blas": "BLAS"}
"""The versions in a record, and what they are called."""


def repeating(folder: Path, record: Mapping[str, Any], config: str) -> Section:
    """The section; ``config`` is the text of the run's config.yaml."""
    commands = [
        f"bp verify {quote(str(folder))}",
        f"bp train {quote(str(folder / CONFIG_FILE))}",
        f"bp predict {quote(str(folder))} --data FILE",
    ]
    blocks: list[Block] = [
        Text(
            "On the same data, versions and kind of processor the run gives the same bytes again. The first command "
            "trains it once more and compares; the second makes a new run of it; the third uses its model."
        ),
        Beside([[Code("Commands", commands)], [Facts(_environment(record))]]),
        *_hashes(record),
        *[Text(f"{note}.") for note in drifts_noted(record)],
        More("The whole config, as it runs again", [Code(CONFIG_FILE, config.splitlines())]),
    ]
    return Section("repeat", "How to repeat it", blocks)


def _environment(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the bits of the run depend on, as far as its record says it."""
    versions = [f"{called} {record[key]}" for key, called in VERSIONS.items() if key in record]
    versions += [f"{name} {version}" for name, version in (record.get("compiler") or {}).items()]
    engine = [f"engine {record['engine']}", count(record.get("shards", 1), "shard")] if "engine" in record else []
    machine = [str(record[key]) for key in ("cpu", "system") if key in record]
    seed = [str(record["seed"])] if "seed" in record else []
    named = {"Versions": versions, "Computed by": [*engine, *machine], "Seed": seed}
    return [(called, ", ".join(words)) for called, words in named.items() if words]


def _hashes(record: Mapping[str, Any]) -> list[Block]:
    """The files that the run learned from, and its config, with their SHA-256."""
    files = {**record.get("data", {}), **record.get("plugins", {})}
    rows = [[path, digest or "none: a pipe"] for path, digest in files.items()]
    if "config" in record:
        rows.append([CONFIG_FILE, record["config"]])
    return [Table("Files, and the SHA-256 of their bytes", ("file", "SHA-256"), rows)] if rows else []
