"""The pages of the choices, one for each kind, from the registries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import cleandoc
from typing import Any, NamedTuple

from bpcli.config.choice import Choice
from bpcli.config.registries import KINDS
from bpcli.config.sections import marker
from docs.generate.formulas import example_of, formula_lines, letters
from docs.generate.keys import joined, key_table, sections
from docs.generate.markdown import code, escaped, prose, table
from docs.generate.pictures import picture
from docs.generate.values import plural


class Use(NamedTuple):
    """A kind of choice, and the keys of a config at which it is chosen."""

    choice: Choice
    keys: list[str]


def choice_pages() -> tuple[dict[str, str], dict[str, bytes]]:
    """The page of each kind that offers a choice, with an index, and the pictures on them, by their files."""
    pages: dict[str, str] = {}
    pictures: dict[str, bytes] = {}
    for kind, use in uses().items():
        drawn = {name: picture(kind, name, entry) for name, entry in use.choice.kind.registry.items()}
        pictures |= {_file(kind, name): data for name, data in drawn.items() if data is not None}
        pages[f"{kind}.md"] = _page(kind, use, {name for name, data in drawn.items() if data is not None})
    return {**pages, "index.md": _index()}, pictures


def uses() -> dict[str, Use]:
    """Every kind that offers a choice, by the word under which ``bp list`` shows it."""
    found: dict[str, Use] = {}
    for path, section in sections():
        for key, field in section.known_keys().items():
            choice = marker(field, Choice)
            if choice is not None and choice.kind.offers_choice:
                found.setdefault(plural(choice.kind), Use(choice, [])).keys.append(joined(path, key))
    return {kind: found[kind] for kind in KINDS if kind in found}


def _file(kind: str, name: str) -> str:
    return f"{kind}-{name}.svg"


def _title(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _index() -> str:
    rows = [
        [f"[{_title(kind)}]({kind}.md)", ", ".join(map(code, use.keys)), ", ".join(map(code, use.choice.kind.registry))]
        for kind, use in uses().items()
    ]
    tree = "\n".join(uses())
    about = "A choice is a name, or a mapping with `name` and its settings: `{name: adam, beta1: 0.8}`."
    return (
        f"# Choices\n\n{about}\n\n{table(['kind', 'at', 'choices'], rows)}\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
    )


def _page(kind: str, use: Use, drawn: set[str]) -> str:
    registry = use.choice.kind.registry
    rows = [[f"[{code(name)}](#{_anchor(name)})", escaped(_first_line(entry))] for name, entry in registry.items()]
    head = f"# {_title(kind)}\n\nChosen at {', '.join(map(code, use.keys))}; `bp list {kind}` has them in the shell.\n"
    chapters = (_chapter(kind, name, use.choice, with_picture=name in drawn) for name in registry)
    return "\n".join([head, table(["name", "in short"], rows), *chapters])


def _anchor(name: str) -> str:
    """The anchor of a heading with a choice's name, as MyST makes it."""
    return name.lower()


def _first_line(entry: type[Any]) -> str:
    return cleandoc(entry.__doc__ or "").splitlines()[0]


def _chapter(kind: str, name: str, choice: Choice, *, with_picture: bool) -> str:
    entry = choice.kind.registry[name]
    parts = [f"## `{name}`", prose(entry.__doc__), *formula_lines(kind, entry)]
    if kind == "optimizers" and letters(entry):
        parts.append(", ".join(f"{letter} is {code(setting)}" for letter, setting in letters(entry).items()) + ".")
    if kind in FACTS:
        parts.append("; ".join(FACTS[kind](example_of(entry))) + ".")
    if with_picture:
        parts.append(f"![The graph of {name}]({_file(kind, name)})")
    surrounding = {"name", *choice.base.model_fields}
    settings = {key: field for key, field in choice.model(name).known_keys().items() if key not in surrounding}
    if settings:
        parts.append(key_table(settings, head="setting"))
    return "\n\n".join(parts) + "\n"


def _of_activation(activation: Any) -> Iterator[str]:
    low, high = (f"{end:g}".replace("inf", "∞").replace("-", "−") for end in activation.range)
    yield f"Values from {low} to {high}"
    if activation.kinks:
        yield f"no derivative at {', '.join(f'{place:g}' for place in activation.kinks)}"
    yield f"usual initializer {code(activation.usual_initializer)}"
    if activation.owned:
        yield f"learned: {', '.join(f'{code(name)}, at first {first:g}' for name, first in activation.owned.items())}"


def _of_loss(loss: Any) -> Iterator[str]:
    yield f"Usual output: {code(loss.usual_output)}"
    if loss.targets.task:
        yield f"for a {loss.targets.task}"


def _of_metric(metric: Any) -> Iterator[str]:
    yield f"The {'higher' if metric.higher else 'lower'}, the better"
    if metric.usual:
        yield "computed where a config picks no metrics and the targets suit"


FACTS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "activations": _of_activation,
    "losses": _of_loss,
    "metrics": _of_metric,
}
"""What else the choices of a kind say of themselves."""
