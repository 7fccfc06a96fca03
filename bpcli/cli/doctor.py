"""``bp doctor``: the usual sanity checks before a long training."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.cli.arguments import Json, Plugins, Words, config_and_overrides
from bpcli.cli.output import emit_json, emit_lines
from bpcli.errors import ExitStatus

if TYPE_CHECKING:
    from bpcli.diagnosis.findings import Finding

MARKS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}

INDENT = 9
"""Where the findings begin, after their marks."""


def doctor(words: Words, json: Json = False, plugin: Plugins = None) -> int:
    """Look for what makes a training fail or its result worthless.

    In the data: a constant target, columns that alone tell the target, rows in several parts, ids, columns that do not
    vary, missing values, rare classes, differences between the parts. In short trainings of the network: scales, the
    first loss, dead units, twenty examples learned by heart, updates beside weights, a range of learning rates.
    Nothing is written. A run folder is looked at by its config. Exit status 0 without a problem, 1 with one.

    Example: bp doctor configs/iris.yaml optimizer.name=adam
    """
    from bpcli.config.reading import read_config
    from bpcli.diagnosis.checks import diagnose

    path, changes = config_and_overrides(words)
    findings = dict(_shown(diagnose(read_config(_config_of(path), changes)), quiet=json))
    problems = [name for name, finding in findings.items() if finding.verdict == "problem"]
    if json:
        checks = [finding.as_dict(name) for name, finding in findings.items()]
        emit_json({"config": str(path), "checks": checks, "problems": problems})
    else:
        emit_lines(f"{_count(problems)}: {', '.join(problems)}" if problems else "no problems")
    return ExitStatus.CHECK_FAILED if problems else ExitStatus.DONE


def _count(problems: list[str]) -> str:
    return f"{len(problems)} problem{'s' * (len(problems) != 1)}"


def _config_of(path: Path) -> Path:
    """A config, or that of a run folder."""
    from bpcli.runs.folder import CONFIG_FILE, require_files

    if not path.is_dir():
        return path
    require_files(path)
    return path / CONFIG_FILE


def _shown(findings: Iterable[tuple[str, Finding]], *, quiet: bool) -> Iterator[tuple[str, Finding]]:
    """The findings, each printed as soon as it is there."""
    for name, finding in findings:
        if not quiet:
            _print(name, finding)
        yield name, finding


def _print(name: str, finding: Finding) -> None:
    emit_lines(f"{MARKS[finding.verdict]}  {name}: {finding.figures}", INDENT)
    for line in finding.drawing:
        emit_lines(f"{' ' * INDENT}{line}", INDENT)
    if finding.verdict != "ok":
        for text in filter(None, (finding.meaning, finding.remedy and f"→ {finding.remedy}")):
            emit_lines(f"{' ' * INDENT}{text}", INDENT)
    sys.stdout.flush()
