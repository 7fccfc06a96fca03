"""The sources of the site, gathered in one folder: the pages of ``docs/``, the project's own, and those of the code."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate.choices import choice_pages
from docs.generate.commands import command_pages
from docs.generate.facts import exit_statuses, picture_kinds, run_files
from docs.generate.keys import key_tables

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PROJECT = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages at the top of the project, which are in the site's folder ``project``."""

OUTSIDE = re.compile(rf"\]\((?:\.\./)+({'|'.join(map(re.escape, PROJECT))})")
"""A link from a page to one of them."""

INSERT = re.compile(r"^<!-- made from the code: (\w+) -->$", re.MULTILINE)

TABLES: Mapping[str, Callable[[], str]] = {
    "exit_statuses": exit_statuses,
    "key_tables": key_tables,
    "picture_kinds": picture_kinds,
    "run_files": run_files,
}
"""What a page can have inserted."""


def pages() -> list[Path]:
    """The pages of ``docs/``, as paths from there."""
    return sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))


def gather(folder: Path) -> None:
    """Write every source of the site into ``folder``."""
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("generate", "__pycache__", "*.md"))
    for path in pages():
        _write(folder / path, _linked((DOCS / path).read_text(encoding="utf-8"), path))
    for name in PROJECT:
        _write(folder / "project" / name, (ROOT / name).read_text(encoding="utf-8"))
    for name, text in command_pages().items():
        _write(folder / "look_up" / "commands" / name, text)
    texts, pictures = choice_pages()
    for name, text in texts.items():
        _write(folder / "look_up" / "choices" / name, text)
    for name, data in pictures.items():
        (folder / "look_up" / "choices" / name).write_bytes(data)


def _linked(text: str, path: Path) -> str:
    """A page with its tables inserted, and links to the project's own pages as they are in the site."""
    up = "../" * (len(path.parts) - 1)
    return OUTSIDE.sub(rf"]({up}project/\1", INSERT.sub(lambda found: TABLES[found[1]](), text))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
