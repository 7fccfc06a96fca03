"""The whole site, from its sources to pages whose links all lead somewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from docs.generate.links import problems
from docs.generate.made_files import make_files
from docs.generate.sources import gather


def build(folder: Path) -> list[str]:
    """Make ``folder/site``, from sources that are gathered in ``folder/source``; returns what is wrong with it."""
    source, made, site = folder / "source", folder / "made", folder / "site"
    for part in (source, made, site):
        shutil.rmtree(part, ignore_errors=True)
    gather(source)
    made.mkdir(parents=True)
    make_files(made)
    shutil.copytree(made, source, dirs_exist_ok=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html"]
    if subprocess.run([*command, "-d", folder / "doctrees", source, site], check=False).returncode:
        return ["Sphinx reports what is wrong, above"]
    for document in made.rglob("*.html"):
        shutil.copy(document, site / document.relative_to(made))
    return list(problems(site))
