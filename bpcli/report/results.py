"""What came out: the metrics of the held-out part with their intervals, and the classes one by one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np

from bpcli.figures.figure import Figure
from bpcli.nn.metrics import Metric, by_column, suiting
from bpcli.report.columns import PARTS
from bpcli.report.contents import Beside, Block, Headline, More, Section, Table, Text
from bpcli.report.pictures import drawn
from bpcli.report.wording import clipped, number, percent
from bpcli.reporting.bootstrap import Resampled, bootstrap, cheap
from bpcli.reporting.confusion import largest_confusions
from bpcli.reporting.evaluation import MOST_CLASSES as MOST_CLASSES_KEPT
from bpcli.reporting.evaluation import Evaluation

MOST_CONFUSIONS = 8
"""How many confusions are listed."""

MOST_CLASSES = 30
"""Of more classes the table of them is shown on request."""

MOST_LISTED = 300
"""How many classes are in the table at most."""

SHARES = ("accuracy", "label_accuracy", "balanced_accuracy")
"""The metrics that are shares of examples, and shown in percent."""


def resampled(evaluation: Evaluation, seed: int) -> Resampled:
    """The intervals of the metrics that the run picks, and of the others that cost little; none of many classes."""
    if evaluation.many_classes:
        return Resampled({}, 0)
    outputs = evaluation.outputs
    others = by_column(suiting(evaluation.judging).values())
    wanted = {**cheap(others, outputs.outputs.size), **evaluation.picked}
    return bootstrap(outputs, wanted, seed)


def results_section(
    evaluation: Evaluation, of: Resampled, part: str, size: int, figures: Sequence[Figure], scores: Sequence[Figure]
) -> Section:
    """The section about a part with so many examples; ``scores`` are shown on request."""
    others = {name: value for name, value in evaluation.metrics.items() if name not in evaluation.picked}
    picked = {name: evaluation.metrics[name] for name in evaluation.picked}
    blocks: list[Block] = [
        _metrics("Metrics", {"loss": evaluation.loss, **picked}, evaluation.picked, of),
        Text(_method(of, part, size)),
        *_caveat(evaluation, size),
        *_arranged(evaluation, figures),
    ]
    if others:
        kinds = by_column(suiting(evaluation.judging).values())
        blocks.append(More("Every other metric that suits", [_metrics("Other metrics", others, kinds, of)]))
    if scores:
        blocks.append(More("Curves of the scores", drawn(scores)))
    return Section("results", f"What came out, on the {PARTS[part]} part", blocks)


def _arranged(evaluation: Evaluation, figures: Sequence[Figure]) -> list[Block]:
    """The tables of classes beside the first figure; of two classes the second one stands below the tables."""
    tables = [*_classes(evaluation), *_confusions(evaluation)]
    if not tables or evaluation.of_labels:
        return [*drawn(figures), *tables]
    beside = 2 if evaluation.judging.binary else 1
    columns: list[Sequence[Block]] = [drawn(figures[:1]), [*tables, *drawn(figures[1:beside])]]
    return [Beside(columns), *drawn(figures[beside:])]


def _metrics(caption: str, values: Mapping[str, float], kinds: Mapping[str, Metric], of: Resampled) -> Table:
    rows = [[name, shown(name, value), _interval(name, of), _meaning(name, kinds)] for name, value in values.items()]
    return Table(caption, ("metric", "value", "95 % interval", "what it is"), rows, frozenset({1, 2}))


def shown(name: str, value: float) -> str:
    """A value of a metric: shares of examples in percent."""
    return percent(value) if name in SHARES and not isnan(value) else number(value)


def _interval(name: str, of: Resampled) -> str:
    bounds = of.bounds.get(name)
    if bounds is None or isnan(bounds.low):
        return "–"
    return f"{shown(name, bounds.low)} to {shown(name, bounds.high)}"


def _meaning(name: str, kinds: Mapping[str, Metric]) -> str:
    """The first sentence that a metric says of itself."""
    if name not in kinds:
        return "what training made small, in training units"
    return (inspect.getdoc(type(kinds[name])) or "").partition("\n")[0].rstrip(".")


def _method(of: Resampled, part: str, size: int) -> str:
    if not of.resamples:
        return f"Of more than {MOST_CLASSES_KEPT:,} classes no intervals are computed."
    return (
        f"The intervals are percentile bootstraps: each metric was computed of {of.resamples:,} samples of {size:,} "
        f"examples, drawn from the {PARTS[part]} part with replacement, and 95 % of the values lie between the bounds. "
        "They say how the metric depends on which examples are in the part, and not how a training depends on its seed."
    )


def _caveat(evaluation: Evaluation, size: int) -> list[Block]:
    """What to know where nothing is wrong: samples of no mistakes have none (Hanley & Lippman-Hand 1983)."""
    if evaluation.metrics.get("accuracy") != 1.0:
        return []
    share = percent(min(1.0, RULE_OF_THREE / size))
    return [
        Text(
            "No example is wrong, so none is in any sample, and these intervals are too narrow: with no mistake among "
            f"{size:,} examples, up to {share} of all could be wrong (rule of three, 95 %)."
        )
    ]


RULE_OF_THREE = 3.0
"""−ln 0.05: where none of n examples is wrong, the share of wrong ones is below 3/n with 95 % confidence."""


def _classes(evaluation: Evaluation) -> list[Block]:
    """A row for each class: its examples, precision, recall and F₁."""
    if not evaluation.classes:
        return []
    rows = [
        [
            clipped(str(one["class"])),
            *(_weighed(one[key]) for key in ("examples", "predicted")),
            *(number(one[key], 3) for key in ("precision", "recall", "f1")),
        ]
        for one in evaluation.classes[:MOST_LISTED]
    ]
    what = "label" if evaluation.of_labels else "class"
    header = (what, "examples", "predicted", "precision", "recall", "F₁")
    note = (
        "Precision: the share of what was predicted that is right. Recall: the share of what there is that was found."
    )
    if any(isinstance(one["examples"], float) for one in evaluation.classes):
        note = f"Each example counts by its weight. {note}"
    if len(evaluation.classes) > len(rows):
        note = f"The first {MOST_LISTED} of {len(evaluation.classes):,}; bp evaluate --output has them all. {note}"
    table = Table(f"Each {what}", header, rows, frozenset(range(1, 6)), note)
    return [table] if len(rows) <= MOST_CLASSES else [More(f"Each {what}", [table])]


def _weighed(examples: float) -> str:
    """How many examples, or what they weigh together."""
    return number(examples) if isinstance(examples, float) else f"{examples:,}"


def _confusions(evaluation: Evaluation) -> list[Block]:
    """The largest confusions of classes."""
    if not evaluation.names or evaluation.of_labels or evaluation.judging.binary:
        return []
    if evaluation.many_classes:
        largest = sorted(evaluation.confusions, key=lambda row: -row[2])[:MOST_CONFUSIONS]
    else:
        largest = largest_confusions(evaluation.confusion, evaluation.names, MOST_CONFUSIONS)
    if not largest:
        return [Text("No class was taken for another.")]
    rows = [[clipped(str(true)), clipped(str(said)), _weighed(times)] for true, said, times in largest]
    return [Table("The largest confusions", ("true", "taken for", "examples"), rows, frozenset({2}))]


def headline(evaluation: Evaluation, of: Resampled, part: str, size: int) -> Headline:
    """The first metric that the run picks, with its interval, held against one answer for all."""
    name = next(iter(evaluation.picked))
    interval = _interval(name, of)
    sure = "" if interval == "–" else f"; 95 % interval {interval}"
    what = f"{name.replace('_', ' ')} on {size:,} {PARTS[part]} examples{sure}"
    return Headline(shown(name, evaluation.metrics[name]), what, baseline(evaluation))


def baseline(evaluation: Evaluation) -> str:
    """What one answer for every example would reach; nothing where that is no simple thing to say."""
    if evaluation.judging.classes and evaluation.classes:
        members = np.array([one["examples"] for one in evaluation.classes], np.float64)
        commonest = evaluation.classes[int(members.argmax())]["class"]
        share = percent(members.max() / max(members.sum(), 1e-30))
        return f"Always answering {clipped(str(commonest))} would be right for {share}."
    if evaluation.judging.scoring == "residuals" and next(iter(evaluation.picked)) == "r2":
        return "Always answering the mean would give 0, a perfect prediction 1."
    return ""
