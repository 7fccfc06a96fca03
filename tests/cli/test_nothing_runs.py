"""What bp reads is never run: an audit hook watches commands on usual and on hostile files."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from tests.cli.support import environment, good, points, process, write_config

DECOYS = (
    "numpy",
    "yaml",
    "pandas",
    "pydantic",
    "typer",
    "rich",
    "safetensors",
    "csv",
    "json",
    "sitecustomize",
    "plugin",
)
"""Modules that lie beside the files; who imports one leaves a file ``imported``."""


class Payload:
    """What makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("unpickled",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hostile")
    points(place / "points.csv")
    text = "data: {path: points.csv, target: tree, split: {test: 0.2}}\nloss: cross_entropy\nepochs: 1\n"
    write_config(place / "good.yaml", text)
    good("train", "good.yaml", "--run", "run", "--quiet", cwd=place)
    for name in DECOYS:
        (place / f"{name}.py").write_text("open('imported', 'w').close()\n", encoding="utf-8")
    write_config(place / "tag.yaml", f"{text}seed: !!python/object/apply:os.system ['touch imported']\n")
    write_config(place / "plugin.yaml", f"plugin: plugin.py\nplugins: [plugin.py]\n{text}")
    write_config(place / "dotted.yaml", f"{text}network: {{activation: plugin.Bent}}\n")
    for name in ("w.pt", "w.npz", "w.safetensors"):
        write_config(place / f"{name}.yaml", f"{text}network: {{weights: {name}}}\n")
    (place / "w.pt").write_bytes(pickle.dumps(Payload()))
    with zipfile.ZipFile(place / "w.npz", "w") as archive:
        archive.writestr("W1.npy", objects())
    safetensors.numpy.save_file({"W1": np.ones((3, 2))}, place / "w.safetensors", {"bp": '{"layers": "plugin.py"}'})
    for name, content in {"o.npy": objects(), "o.npz": (place / "w.npz").read_bytes()}.items():
        (place / name).write_bytes(content.replace(b"W1.npy", b"features.npy"[:6]))
        write_config(
            place / f"{name}.yaml", text.replace("points.csv", name).replace("target: tree", "task: regression")
        )
    hostile_run(place)
    return place


def objects() -> bytes:
    """An NPY file whose only object runs code when it is unpickled."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pickle.dumps([Payload()])


def hostile_run(place: Path) -> None:
    """A run whose every file names code."""
    run = place / "bad"
    run.mkdir()
    for name in ("config.yaml", "metrics.csv", "run.json", "model.safetensors", "checkpoint.safetensors"):
        content = (place / "run" / name).read_bytes()
        (run / name).write_bytes(content.replace(b'"relu"', b'"eval"').replace(b"softmax", b"os.exec"))
    record = json.loads((run / "run.json").read_bytes())
    record |= {"plugins": {"plugin.py": "0" * 64}, "plugin": "plugin.py"}
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")


def audited(commands: list[list[str]], folder: Path, *writable: str) -> dict[str, Any]:
    """How commands ended, and what they did that is not allowed; ``writable`` are the folders that they may change."""
    asked = json.dumps({"commands": commands, "writable": [str(folder / name) for name in writable]})
    words = [sys.executable, "-P", "-m", "tests.cli.audited"]
    variables = environment(XDG_CACHE_HOME=str(folder / "cache"))
    done = subprocess.run(words, input=asked.encode(), capture_output=True, cwd=folder, env=variables)
    assert done.returncode == 0, done.stderr.decode()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_usual_commands_run_nothing_and_write_where_they_should(folder: Path) -> None:
    commands = [
        ["train", "good.yaml", "--run", "made/first"],
        ["train", "good.yaml", "--run", "made/series", "--seeds", "2"],
        ["evaluate", "run"],
        ["predict", "run", "--data", "points.csv"],
        ["runs", "."],
        ["explain", "run", "--example", "0"],
        ["gradcheck", "good.yaml"],
        ["data", "convert", "points.csv", "made/points.npy"],
        ["config", "show", "good.yaml"],
        ["list", "activations"],
    ]
    result = audited(commands, folder, "made")
    assert result["found"] == []
    assert result["statuses"] == [0] * len(commands)
    assert not (folder / "imported").exists()


@pytest.mark.slow
def test_compiled_code_is_made_and_kept_without_more(folder: Path) -> None:
    pytest.importorskip("numba")
    commands = [["train", "good.yaml", "--run", f"made/compiled-{k}", "engine=numba"] for k in range(2)]
    result = audited(commands, folder, "made", "cache")
    assert result["statuses"] == [0, 0]
    assert {name for name in result["found"] if not name.startswith("pickle.find_class")} == set()


def test_hostile_files_run_nothing_and_are_refused(folder: Path) -> None:
    named = ("tag", "plugin", "dotted", "w.pt", "w.npz", "w.safetensors", "o.npy", "o.npz")
    commands = [["train", f"{name}.yaml", "--run", f"made/{name}"] for name in named]
    commands += [["train", "good.yaml", "--run", "made/x", f"network.weights={name}"] for name in ("w.pt", "o.npy")]
    commands += [["evaluate", "bad"], ["predict", "bad", "--data", "points.csv"], ["runs", "."], ["explain", "bad"]]
    commands += [["predict", "run", "--data", name] for name in ("o.npy", "o.npz", "w.pt")]
    result = audited(commands, folder, "made")
    assert result["found"] == []
    assert set(result["statuses"]) <= {0, 2, 3}
    assert result["statuses"].count(0) == 1  # bp runs
    assert not {"imported", "unpickled"} & set(os.listdir(folder))


def test_a_file_of_choices_runs_only_where_the_command_line_names_it(folder: Path) -> None:
    """And the hook notices that it runs, and where it writes."""
    result = audited([["train", "good.yaml", "--plugin", "plugin.py", "--run", "made/y"]], folder, "made")
    assert result["found"] == ["exec plugin.py", "open for writing 'imported'"]
    (folder / "imported").unlink()


def test_python_dash_m_imports_nothing_from_the_current_folder(folder: Path) -> None:
    result = process("config", "check", "good.yaml", cwd=folder)
    assert result.status == 0, result
    assert not (folder / "imported").exists()
