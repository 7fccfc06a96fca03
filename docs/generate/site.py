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
    return [*_add_documents(made, site), *problems(site)]


def _add_documents(made: Path, site: Path) -> list[str]:
    """Copy made documents beside the pages that link to them; returns those that a page has the name of."""
    documents = sorted(path.relative_to(made) for path in made.rglob("*.html"))
    taken = [f"{name}: a page has this name" for name in documents if (site / name).exists()]
    for name in documents:
        shutil.copy(made / name, site / name)
    return taken
