"""The pictures and documents on pages, made by the commands that the pages show."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from docs.generate.page_runs import checkout, run_page
from docs.generate.sources import DOCS, pages

PICTURE = re.compile(r"!\[[^\]]*\]\(([\w.-]+)\)")
DOCUMENT = re.compile(r'(?:href|src)="([\w.-]+\.html)"')


def make_files(folder: Path) -> None:
    """Run every page that shows what its commands make, and copy that into ``folder``, beside the page."""
    for page in pages():
        text = (DOCS / page).read_text(encoding="utf-8")
        names = {
            name
            for name in [*PICTURE.findall(text), *DOCUMENT.findall(text)]
            if not (DOCS / page.parent / name).exists()
        }
        if names:
            _make(text, names, folder / page.parent)


def _make(text: str, names: set[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        place = checkout(Path(temporary) / "bp")
        run_page(text, place)
        for name in names:
            shutil.copy(place / name, folder / name)
