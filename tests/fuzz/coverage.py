"""Coverage-guided fuzzing by atheris: ``python -m tests.fuzz.coverage PARSER FOLDER [options of libFuzzer]``.

FOLDER gets the inputs that reach something new; it begins with those of the Hypothesis tests. An input that ends
in anything but a result or a BpError of bp's stops it and is written to a file, ``crash-…``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["bpcli", "yaml", "numpy.lib", "zipfile"]):
    from bpcli.config.reading import read_config
    from bpcli.data.files.dataset import Format
    from bpcli.data.files.reading import FilePair, read_dataset
    from bpcli.runs.model_file import load_model
    from bpcli.storage.tensors import read_tensors, write_tensors

from tests.cli.support import good
from tests.fuzz.support import answer
from tests.fuzz.test_configs import TEXTS
from tests.fuzz.test_data import ARRAYS, TABLES, ZIPPED


def _model(path: Path) -> object:
    """Load a model whose header is the file's JSON, with the digest that belongs to it."""
    try:
        header = json.loads(path.read_bytes())
        if not isinstance(header, dict):
            return None  # nothing that bp writes
        write_tensors(path, TENSORS, header)
    except (ValueError, RecursionError):
        return None
    return load_model(path)


def _trained() -> tuple[dict[str, Any], bytes]:
    """The tensors and the header of a small model."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "x.csv").write_text("a,b,y\n1,u,no\n2,v,yes\n3,u,no\n", encoding="utf-8")
        (folder / "x.yaml").write_text("data: {path: x.csv}\nloss: cross_entropy\nepochs: 1\n", encoding="utf-8")
        good("train", "x.yaml", "--run", "run", cwd=folder)
        tensors, header = read_tensors(folder / "run/model.safetensors")
    return tensors, json.dumps(header).encode()


TENSORS, HEADER = _trained()

PARSERS: dict[str, tuple[Callable[[Path], object], list[bytes]]] = {
    "config": (lambda path: read_config(path, []), TEXTS),
    "table": (lambda path: read_dataset(FilePair(str(path)), Format()), TABLES),
    "array": (lambda path: read_dataset(FilePair(str(path)), Format()), [*ARRAYS, *ZIPPED]),
    "model": (_model, [HEADER]),
}


def main(name: str, corpus: Path, options: list[str]) -> None:
    """Fuzz one parser; only ends where it finds something, or by an option of libFuzzer such as -max_total_time=600."""
    read, seeds = PARSERS[name]
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(content)
    path = Path(tempfile.mkdtemp()) / "file"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        answer(lambda: read(path))

    atheris.Setup([sys.argv[0], str(corpus), "-max_len=4096", "-rss_limit_mb=1024", "-timeout=10", *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
