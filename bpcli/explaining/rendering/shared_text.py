"""The text that every readable rendering shares: the introduction and the headings."""

from __future__ import annotations

from pathlib import Path

from bpcli.explaining.documents.steps import Arithmetic, DerivationStep, Stage
from bpcli.explaining.explained import ExplainedUpdate, Explanation
from bpcli.explaining.rendering.numbers import short

STAGES: dict[Stage, str] = {
    "given": "Given",
    "forward": "Forward",
    "loss": "Loss",
    "backward": "Backward",
    "derivation": "Derivation",
    "update": "Update",
}


SIDES = (
    "In the derivation every side of an equation is evaluated by itself, a derivative on the left as the slope "
    "of the network itself; how closely the sides agree is a fraction of the largest entry."
)

HEADING = "Backpropagation step by step"


def introduction(explained: Explanation) -> list[str]:
    """Sentences on what is shown, without the names of files."""
    choices, document = explained.choices, explained.document
    names = ", ".join(_brief(activation) for activation in choices["activations"])
    loss, rule = choices["loss"], choices["optimizer"]
    parameters = "its trained parameters" if explained.trained else "its initial parameters"
    return [
        f"Document: {document.title}.",
        f"It covers {document.expresses}.{_others(explained)}",
        f"A {'-'.join(map(str, explained.layers))} network ({names}) under {_brief(loss)}, at {parameters}.",
        f"Updated by {_brief(rule)}, mode {_words(rule['mode'])}.{_together(explained)}",
        f"All numbers are computed in double precision and shown with {explained.digits} decimals or digits.",
        *([SIDES] if any(step.distance is not None for step in explained.updates[0].steps) else []),
    ]


def data_file(explained: Explanation) -> str:
    """The data's file, from the working folder where it is below it: a hand-out need not name its maker's folders."""
    path, here = Path(explained.data), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else explained.data


def _others(explained: Explanation) -> str:
    """The other documents that can express the network."""
    if not explained.others:
        return " No other document can express this network."
    return f" With --document, this network can also be explained by: {', '.join(explained.others)}."


def _words(name: str) -> str:
    return name.replace("_", " ")


def _brief(choice: dict[str, object]) -> str:
    """A choice's name and its settings in words."""
    settings = [
        f"{_words(key)} {value}" for key, value in choice.items() if key not in ("name", "mode") and value is not None
    ]
    return _words(str(choice["name"])) + (f" with {', '.join(settings)}" if settings else "")


def _together(explained: Explanation) -> str:
    """Whether several examples are one batch or updates of their own."""
    updates = len(explained.updates) // explained.rounds
    count = sum(len(update.examples) for update in explained.updates[:updates])
    again = f" They are gone through {explained.rounds} times." if explained.rounds > 1 else ""
    if count == 1:
        return f" The example is gone through {explained.rounds} times." if again else ""
    if updates == 1:
        return f" The {count} examples are one batch.{again}"
    return f" Each of the {count} examples is an update of its own, from where the one before ended.{again}"


def example_list(update: ExplainedUpdate) -> str:
    """``examples 0 and 5 (train), 7 (test)`` in the order of the columns."""
    listed = ", ".join(f"{example.row} ({example.part})" for example in update.examples)
    return f"{'example' if len(update.examples) == 1 else 'examples'} {listed}"


def update_heading(explained: Explanation, place: int) -> str:
    """The heading of one update, with its number where there are several."""
    named = example_list(explained.updates[place])
    if len(explained.updates) == 1:
        return named.capitalize()
    return f"Update {place + 1} of {len(explained.updates)}: {named}"


def stages(update: ExplainedUpdate) -> list[tuple[str, list[DerivationStep]]]:
    """An update's steps under their stages' headings, in order."""
    grouped: list[tuple[str, list[DerivationStep]]] = []
    for step in update.steps:
        title = STAGES[step.stage] + _scope(step, update)
        if not grouped or grouped[-1][0] != title:
            grouped.append((title, []))
        grouped[-1][1].append(step)
    return grouped


def _scope(step: DerivationStep, update: ExplainedUpdate) -> str:
    """Which of several examples a derivation of one is of."""
    if step.scope is None:
        return ""
    return f", for example {update.examples[0].row} alone" if step.scope == "first" else ", for all examples"


AGREE = "sides agree to {:.0e}"
"""What is said of an equation whose sides were each evaluated: their distance as a fraction of the largest entry."""

DIFFER = "sides differ by {:.0e}"
ROUNDING = 1e-9
"""The distance above which the difference itself is told: in saturated units 1 - a is 0 where the slope is not."""

EXACTLY = "sides equal"

OMITTED = "Equations that this network does not have"


AFTERWARDS = "After the update"


def effect(update: ExplainedUpdate, digits: int) -> list[str]:
    """What the update did to the loss, and what first-order theory said that it would."""
    found = update.effect
    before, after, change, predicted = (
        short(value, digits) for value in (found.before, found.after, found.change, found.predicted)
    )
    penalties = " with its penalties" if update.trace.added else ""
    examples = "example" if len(update.examples) == 1 else "examples"
    return [
        f"The loss of the {examples}{penalties} was {before} and is {after}: it changed by {change}.",
        f"To first order, by the gradient times the step, ∇L · Δθ, it would have changed by {predicted}.",
    ]


def left_out(arithmetic: Arithmetic) -> str:
    """How many entries are not written out; empty where all are."""
    count = arithmetic.left_out
    return f"… and {count:,} more entr{'y' if count == 1 else 'ies'}" if count else ""


def runs(step: DerivationStep) -> list[tuple[str, str]]:
    """What the rows and the columns of a step's value run over, and at what it is shown: a word and markup."""
    return [(kind, run) for kind, run in (("rows", step.rows), ("columns", step.columns), ("at", step.at)) if run]


def agreement(step: DerivationStep) -> list[str]:
    """How far the sides of an equation agree, where each was evaluated."""
    if step.distance is None:
        return []
    if step.distance > ROUNDING:
        return [DIFFER.format(step.difference)]
    return [AGREE.format(step.distance) if step.distance else EXACTLY]


def title(step: DerivationStep) -> str:
    """The step's title in markup, with the example where there is one for each."""
    return step.title if step.example is None else f"{step.title}, example {step.example}"
