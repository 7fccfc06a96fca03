"""The README's commands, run as they stand in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import bp, environment
from tests.test_pytest_plugin import session

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SWEEPS = {
    block: runs for start, runs in (("for rate", 6), ("for seed", 4)) for block in BLOCKS if block.startswith(start)
}
"""The blocks of many runs, and how many they are."""

PLAIN = [block for block in BLOCKS[1:] if block not in SWEEPS]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's reader has: the configs, the data, and ``bp`` in ``.venv/bin``."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("configs", "datasets"):
        shutil.copytree(ROOT / name, folder / name)
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "bp").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bpcli "$@"\n', encoding="utf-8")
    (commands / "bp").chmod(0o755)
    return folder


def run(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = environment(PATH=f"{folder}/.venv/bin{os.pathsep}{os.environ['PATH']}")
    return subprocess.run(
        ["sh", "-eu", "-c", block], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def test_the_first_block_has_two_commands() -> None:
    lines = BLOCKS[0].splitlines()
    assert len(lines) == 2
    assert all(line.startswith("python3 -m venv .venv && ") for line in lines)
    assert lines[0].endswith("bp train configs/digits.yaml")
    assert lines[1].endswith("python -m pytest")


@pytest.mark.parametrize("block", PLAIN, ids=[block.splitlines()[0] for block in PLAIN])
def test_a_block_of_commands_runs_as_it_stands(block: str, checkout: Path) -> None:
    done = run(block, checkout)
    assert done.returncode == 0, done.stderr
    assert "error:" not in done.stderr


@pytest.mark.parametrize(("block", "runs"), SWEEPS.items(), ids=list(map(str, SWEEPS.values())))
def test_a_sweep_runs_as_it_stands_and_lists_all_its_runs(block: str, runs: int, checkout: Path) -> None:
    folder = checkout / f"sweep-{runs}"
    folder.mkdir()
    for name in ("configs", "datasets", ".venv"):
        (folder / name).symlink_to(checkout / name)
    done = run(block, folder)
    assert done.returncode == 0, done.stderr
    assert "error:" not in done.stderr
    listed = bp("runs", "runs", "--csv", cwd=folder).out.splitlines()
    assert len(listed) == runs + 1
    assert "completed" in listed[1]


def test_every_config_of_the_readme_exists() -> None:
    for name in re.findall(r"`?((?:document|modes)_\w+\.yaml|configs/\w+\.yaml)", README):
        assert (ROOT / "configs" / Path(name).name).is_file()


@pytest.mark.parametrize("place", [0, 1])
def test_the_yaml_of_the_readme_is_a_config_that_trains(checkout: Path, place: int) -> None:
    blocks = [one for one in re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if "loss" in one]
    assert len(blocks) == 2
    (checkout / "configs" / "readme.yaml").write_text(blocks[place], encoding="utf-8")
    assert bp("train", "configs/readme.yaml", "epochs=3", "expect=null", "--quiet", cwd=checkout).status == 0


def test_the_pytest_example_of_the_readme_passes_and_finds_a_mistake(tmp_path: Path) -> None:
    block = re.search(r"^```python\n(import numpy.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert block is not None
    wrong = block[1].replace(" / len(y)\n", "\n")
    assert wrong != block[1]
    for code, status in ((block[1], 0), (wrong, 1)):
        (tmp_path / "test_it.py").write_text(code, encoding="utf-8")
        assert session(tmp_path).returncode == status
