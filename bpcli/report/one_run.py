"""The report of one run: its sections in order, each as far as there is what it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli.data.files.reading import read_dataset
from bpcli.errors import BpError, SystemRefusedError
from bpcli.figures.plotted_run import PlottedRun
from bpcli.report import worst
from bpcli.report.asked import asked
from bpcli.report.columns import DataLook, data_section
from bpcli.report.contents import Beside, Block, Headline, Report, Section, Text
from bpcli.report.pictures import COLUMNS, RESULTS, SCORES, TRAINING, drawn, pictures
from bpcli.report.repeating import repeating
from bpcli.report.results import headline, resampled, results_section
from bpcli.report.wording import count
from bpcli.reporting.evaluation import class_names
from bpcli.reporting.pixels import image_shape
from bpcli.runs.environment import drifts_noted
from bpcli.runs.folder import CONFIG_FILE
from bpcli.runs.own_files import read_own_config
from bpcli.training.expectations import shortfalls

SEED = 0
"""Of what a report draws at random, so that it is the same again."""


@dataclass(frozen=True)
class _Found:
    """What needs the data: the sections about them, and the number that the report begins with."""

    results: Section
    others: Sequence[Section]
    headline: Headline
    note: str


def run_report(folder: Path) -> Report:
    """The report of the run in a folder.

    Where its data are gone, or are others now, what needs them is left out, and the report says so.

    Raises:
        BpError: a file of the run itself is absent, malformed or damaged.
        ConfigError: a library that draws is not installed.
    """
    config = read_own_config(folder).config
    look = DataLook([*filter(None, (config.data.group, config.data.order, config.data.sample_weight))])
    run = PlottedRun(folder, look=look)
    record, model = run.recorded.record, run.model
    training = Section("training", "How training went", _curves(run))
    warnings = [*record.get("notes", []), *drifts_noted(record), *_troubles(run)]
    found = None
    try:
        found = _found(run, look)
    except SystemRefusedError:
        raise
    except BpError as error:
        warnings.append(f"What needs the data is left out. {error.where}: {error.message}")
    if found is not None and found.note and found.note not in warnings:
        warnings.append(found.note)
    sections = [
        asked(config, record, run.judging, class_names(model)),
        *([found.results] if found else []),
        training,
        *(found.others if found else []),
        repeating(folder, record, (folder / CONFIG_FILE).read_text(encoding="utf-8")),
    ]
    name = Path(folder).resolve().name
    return Report(f"Run {name}", _lead(run), found.headline if found else None, sections, warnings)


def _lead(run: PlottedRun) -> str:
    record = run.recorded.record
    layers = "–".join(map(str, record.get("layers", [])))
    ended = record.get("ended") or "not ended yet"
    return f"A network of {layers} units, trained for {count(record['epochs'], 'epoch')}: {ended}."


def _troubles(run: PlottedRun) -> list[str]:
    """What a reader must know first: that the run is not complete, or falls short of what was expected."""
    record = run.recorded.record
    incomplete = (
        [] if record.get("outcome") in ("completed", None) else [f"The run {record['outcome']}: {record['ended']}"]
    )
    return [*incomplete, *shortfalls(record["expect"])]


def _curves(run: PlottedRun) -> Sequence[Block]:
    return drawn(pictures(run, TRAINING)) or [Text("No epoch has ended.")]


def _found(run: PlottedRun, look: DataLook) -> _Found:
    """What the data and the model give together.

    Raises:
        BpError: the data are not those of the run, or a prediction is not finite.
    """
    evaluation, part, name = run.evaluation, run.part, run.part_name
    model = run.model
    of = resampled(evaluation, SEED)
    figures, scores = pictures(run, RESULTS), pictures(run, SCORES)
    if evaluation.judging.binary:
        figures, scores = [*figures, *scores[:1]], scores[1:]
    results = results_section(evaluation, of, name, part.size, figures, scores)
    order = [one.column for one in run.importances]
    worst_ones = [] if evaluation.many_classes else [_worst(run, order)]  # of many classes no output is kept
    others = [*worst_ones, *_importance(run)]
    if look.facts is not None:
        others.append(data_section(run.loaded, look.facts, model, evaluation.names, order))
    return _Found(results, others, headline(evaluation, of, name, part.size), evaluation.note(name))


def _importance(run: PlottedRun) -> list[Section]:
    """What the columns are worth; nothing where they are too many."""
    if not run.importances:
        return []
    metric = next(iter(run.evaluation.picked))
    text = Text(
        f"How much worse {metric} gets on these examples when the cells of one column change places among the rows. "
        "Of columns that say the same, each alone seems to matter little; and what a model goes by need not be a cause."
    )
    return [Section("importance", "What it goes by", [Beside([drawn(pictures(run, COLUMNS)), [text]])])]


def _worst(run: PlottedRun, order: Sequence[str]) -> Section:
    """The worst examples: with their images, or with the cells of the columns that come first in ``order``."""
    model, part = run.model, run.part
    examples, terms = worst.largest_losses(model, part, threads=run.reopened.threads)
    inputs, rows = model.features.inputs, part.rows[examples]
    shape = image_shape(inputs)
    images: worst.Columns = []
    cells: worst.Columns = []
    if shape is not None:
        X = np.empty((model.network.sizes[0], len(examples)), model.dtype)
        part.features.gather(examples, X)
        images = worst.thumbnails(rows.tolist(), X, inputs, shape)
    else:
        names = list(dict.fromkeys([*order, *(one.column for one in inputs)]))[: worst.CELLS]
        dataset = read_dataset(part.pair, model.form, frozenset(names))
        cells = worst.cells_of(names, {name: dataset.as_written(name) for name in names}, rows)
    return worst.worst_section(part, run.evaluation, examples, terms, images=images, cells=cells)
