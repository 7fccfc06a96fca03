"""``--export`` and ``--against``: a batch for other programs, and the gradient that one of them computed for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bpcli.checking.external_gradients import GivenGradients, read_gradients, require_exportable, write_batch
from bpcli.checking.known_mistakes.diagnosis import Diagnosis, diagnose
from bpcli.checking.precisions import excused_of, tolerance_of
from bpcli.checking.starters import STARTERS, Files
from bpcli.cli.output import emit, emit_lines
from bpcli.display import say
from bpcli.errors import ConfigError, ExitStatus
from bpcli.experiment import Experiment
from bpcli.nn import IndexArray
from bpcli.nn.parameters import layer_of
from bpcli.nn.workspace import Workspace
from bpcli.storage.files import write
from bpcli.storage.text import to_json

SAME_INPUTS_HINT = "hint: config, overrides and --examples have to be those of the --export it was computed for"


UNJUDGEABLE_HINT = (
    "hint: units are saturated, or outputs fit their targets to the last digit; scale the features, choose other "
    "parameters or examples, or compute in a finer precision"
)


def require_plain(built: Experiment) -> None:
    """Refuse what a file of parameters, X and Y cannot tell another program.

    Raises:
        ConfigError: the loss has penalties, layers draw noise, or examples have weights.
    """
    examples = built.loaded.parts["train"]
    obstacles = {
        "the config adds penalties to the loss": bool(built.recipe.penalties),
        "its layers draw numbers for each step": bool(built.network.noisy),
        "noise is added to its inputs": built.recipe.input_noise is not None,
        "its examples have weights": examples.weights is not None,
    }
    for obstacle in (words for words, present in obstacles.items() if present):
        raise ConfigError(
            f"--export and --against are of the loss on X and Y alone, but {obstacle}",
            where="command line",
            hint="leave it out with an override",
        )


def export_batch(built: Experiment, batch: IndexArray, path: Path, starter: str | None, *, json: bool) -> ExitStatus:
    """Write the parameters and the examples ``batch`` to a file, and beside it a framework's script if asked for.

    Raises:
        ConfigError: as :func:`require_exportable`, the framework lacks a choice, the script would replace another
            one, or as :func:`require_plain`.
        SystemRefusedError: the system refused to write.
    """
    require_exportable(path)
    require_plain(built)
    script = None if starter is None else _script(built, path, starter)
    write_batch(path, built.parameters, gathered(built, batch))
    report = {"exported": str(path), "examples": len(batch)}
    if script is not None:
        write(script.path, script.source.encode())
        report["starter"] = str(script.path)
    written = [path] if script is None else [path, script.path]
    emit(to_json(report) + "\n" if json else "".join(f"{file}\n" for file in written))
    return ExitStatus.DONE


@dataclass(frozen=True)
class _Script:
    """A script and where it goes."""

    path: Path
    source: str


def _script(built: Experiment, export: Path, starter: str) -> _Script:
    """A framework's script, beside the export.

    Raises:
        ConfigError: the framework lacks a choice, or another script is there, which may have been worked on.
    """
    name = f"{export.stem}_{starter.replace('-', '_')}"
    path = export.with_name(f"{name}.py")
    source = STARTERS[starter].script(built.network, Files(export.name, f"{name}_gradients.npz"))
    if path.exists() and path.read_bytes() != source.encode():
        raise ConfigError("there is another script of this name", str(path), "move it, or export to another name")
    return _Script(path, source)


def check_external(built: Experiment, batch: IndexArray, path: Path, *, json: bool) -> ExitStatus:
    """Judge the gradient in a file, computed for the examples ``batch``, and print the diagnosis.

    Raises:
        ConfigError: as :func:`require_plain`.
        DataError: the file is absent or malformed, or an array is missing, not of finite floats or misshapen.
        SystemRefusedError: the system refused to read.
    """
    require_plain(built)
    found = read_gradients(path, built.network.layout, len(batch))
    for problem in found.problems.values():
        raise problem
    if found.naming.words and not json:
        say(f"{path}: {found.naming.words}")
    diagnosis = diagnose(built.network, built.parameters, gathered(built, batch), found.arrays)
    tolerance = max(map(tolerance_of, found.arrays.values()))
    if json:
        report = {
            "against": str(path),
            "passed": _passed(diagnosis),
            "tolerance": tolerance,
            "excused": diagnosis.excused,
            "unjudgeable": diagnosis.unjudgeable,
            "layer": diagnosis.layer,
            "wrong": diagnosis.wrong,
            "slip": diagnosis.mistake,
            "recognised": diagnosis.recognised,
            "location": [asdict(one) for one in diagnosis.location],
        }
        if found.naming.framework:
            report |= {"names": found.naming.names, "transposed": found.naming.turned}
        emit(to_json(report) + "\n")
    elif diagnosis.unjudgeable:
        share = max(map(excused_of, found.arrays.values()))
        emit_lines(
            f"{path}: {', '.join(diagnosis.unjudgeable)} cannot be judged: rounding alone is more than {share:.1%} of "
            f"the layer's largest derivative\n{UNJUDGEABLE_HINT}"
        )
    elif diagnosis.layer == 0:
        differ = "entry differs" if diagnosis.excused == 1 else "entries differ"
        excused = f"; {diagnosis.excused:,} {differ} by rounding alone" if diagnosis.excused else ""
        emit_lines(f"{path}: every gradient agrees, to {tolerance:.0e} of the array's largest entry{excused}")
    else:
        wrong = ", ".join(diagnosis.wrong)
        emit_lines(f"{path}: layer {diagnosis.layer} is the first wrong one from the output ({wrong})")
        shapes = _shapes(found, diagnosis.wrong, built.network.sizes)
        for line in (*shapes, *(one.in_words() for one in diagnosis.location), diagnosis.mistake):
            emit_lines(line)
        if not diagnosis.recognised:
            emit_lines(SAME_INPUTS_HINT)
    return ExitStatus.DONE if _passed(diagnosis) else ExitStatus.CHECK_FAILED


def _shapes(found: GivenGradients, wrong: Iterable[str], sizes: tuple[int, ...]) -> Iterator[str]:
    """For each of the wrong arrays that has another shape than it should: both, as the file has its arrays."""
    for name in wrong:
        array, (kind, layer) = found.arrays[name], layer_of(name)
        if kind not in ("dW", "db"):
            continue
        right = (sizes[layer], sizes[layer - 1]) if "W" in name else (sizes[layer],)
        fits = array.shape == right if "W" in name else max(array.shape, default=1) == array.size == sizes[layer]
        turned = -1 if "W" in name and found.naming.turned else 1
        if not fits:
            yield f"{found.naming.names[name]} has shape {array.shape[::turned]}, not {right[::turned]}"


def _passed(diagnosis: Diagnosis) -> bool:
    """Whether every array could be judged and agrees."""
    return diagnosis.layer == 0 and not diagnosis.unjudgeable


def gathered(built: Experiment, batch: IndexArray) -> Workspace:
    """A workspace in float64 with the training examples ``batch``."""
    examples = built.examples("train")
    assert examples is not None
    ws = built.network.workspace(len(batch), np.float64)
    examples.gather(batch, ws.X, ws.Y)
    return ws
