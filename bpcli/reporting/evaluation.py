"""A trained model judged on examples: loss, metrics, and each class by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bpcli.config.reading import load
from bpcli.data.encoding.targets import Classes, Labels
from bpcli.data.loading import Part
from bpcli.errors import DataError
from bpcli.experiment import metrics_of, parts_of
from bpcli.nn import Array
from bpcli.runs.folder import CONFIG, read_record
from bpcli.runs.model_file import Model
from bpcli.training.inference import assess as run_over
from bpcli.training.inference import new_tally, outputs
from bpcli.training.loop import read


def parts(run: Path, model: Model) -> tuple[dict[str, Part], list[str]]:
    """The parts of a run's data, dealt as when it trained, and what to warn of.

    Raises:
        DataError: the data are gone, or encode to other sizes than the model's.
    """
    loaded = parts_of(load(run / CONFIG, []))
    if (loaded.features.to_json(), loaded.targets.to_json()) != (model.features.to_json(), model.targets.to_json()):
        raise DataError(
            "the run's data are no longer those it was trained on", where=str(run), hint="name a file with --data"
        )
    then = read_record(run).get("data", {})
    changed = [path for path, digest in loaded.digests.items() if then.get(path, digest) != digest]
    return loaded.parts, [f"{path} has changed since the run" for path in changed]


def assess(model: Model, part: Part) -> dict[str, Any]:
    """``loss``, ``metrics`` and ``classes``: a row per class, or none for a regression."""
    tally = new_tally(model.targets.counted_by, model.network.sizes[-1])
    loss = run_over(model.network, model.parameters, part.features, part.targets, tally)
    metrics = read(metrics_of(model.targets), tally, model.targets.units)
    return {"loss": loss, "metrics": metrics, "classes": _classes(model, part)}


def _classes(model: Model, part: Part) -> list[dict[str, Any]]:
    """Precision, recall and F₁ of each class or label; None where nothing was predicted or present."""
    targets = model.targets
    if not isinstance(targets, Classes | Labels):
        return []
    A = outputs(model.network, model.parameters, part.features)
    names: list[Any] = list(targets.labels) if isinstance(targets, Classes) else list(targets.columns)
    predicted, actual = _memberships(targets, A, part)
    rows = []
    for name, guess, truth in zip(names, predicted, actual, strict=True):
        hits, guesses, members = int((guess & truth).sum()), int(guess.sum()), int(truth.sum())
        rows.append(
            {
                "class": name,
                "examples": members,
                "predicted": guesses,
                "precision": hits / guesses if guesses else None,
                "recall": hits / members if members else None,
                "f1": 2 * hits / (guesses + members) if guesses + members else None,
            }
        )
    return rows


def _memberships(targets: Classes | Labels, A: Array, part: Part) -> tuple[Array, Array]:
    """Truth values (classes, N): what is predicted, and what is so."""
    everything = np.arange(part.size)
    if isinstance(targets, Classes) and targets.encoding == "index":
        indices = np.empty(part.size, np.intp)
        part.targets.gather(everything, indices)
        actual = indices == np.arange(len(targets.labels))[:, None]
    else:
        Y = np.empty((targets.outputs, part.size), A.dtype)
        part.targets.gather(everything, Y)
        actual = targets.threshold < Y
    if targets.counted_by == "largest":
        return np.argmax(A, axis=0) == np.arange(len(A))[:, None], actual
    predicted = targets.threshold < A
    if isinstance(targets, Classes):
        return np.concatenate([~predicted, predicted]), np.concatenate([~actual, actual])
    return predicted, actual
