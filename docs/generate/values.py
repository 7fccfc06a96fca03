"""What a key or a setting takes, in words, from its type."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from bpcli.config.choice import Choice
from bpcli.config.registries import KINDS, Kind
from bpcli.config.sections import FilePath, OneOrMore, Section, Shorthand, Word
from docs.generate.markdown import code, escaped

PLAIN: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    Any: "any value",
}

LIMITS: dict[type[Any], tuple[str, str]] = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}
"""How the marks of limits in a type are written."""

MOST_KEYS = 3
"""How many keys of a section are named where it is a value."""


def values(hint: Any, metadata: Iterable[Any] = ()) -> str:
    """What a value of a type is, as Markdown; ``metadata`` are the marks that stand beside it."""
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        return values(inner, [*marks, *metadata])
    marks = [mark for one in metadata for mark in (one.metadata if isinstance(one, FieldInfo) else [one])]
    for mark in marks:
        if isinstance(mark, Choice):
            return _choice(mark)
        if isinstance(mark, Word):
            return escaped(mark.wanted) if mark.other is None else f"{code(mark.word)}, or {values(mark.other)}"
        if isinstance(mark, Shorthand):
            return f"{escaped(mark.description)}, or {values(hint)}"
        if isinstance(mark, FilePath):
            return "a path"
    limits = ", ".join(_limits(marks))
    text = _unmarked(hint) + (f" {limits}" if limits else "")
    return f"{text}, or one alone" if any(isinstance(mark, OneOrMore) for mark in marks) else text


def _choice(choice: Choice) -> str:
    name = plural(choice.kind)
    return f"[{name}](/look_up/choices/{name}.md)" if choice.kind.offers_choice else f"a {choice.kind.word}"


def plural(kind: Kind) -> str:
    """The word under which ``bp list`` shows a kind."""
    return next(name for name, one in KINDS.items() if one is kind)


def _limits(marks: Iterable[Any]) -> Iterable[str]:
    for mark in marks:
        for kind, (sign, name) in LIMITS.items():
            if isinstance(mark, kind):
                yield f"{sign} {getattr(mark, name):,}"


def _unmarked(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Section):
        keys = hint.known_keys()
        return f"a mapping of {', '.join(map(code, keys))}" if len(keys) <= MOST_KEYS else "a mapping, see below"
    rendered = RENDERINGS.get(origin)
    assert rendered is not None, f"no words for {hint}"
    return rendered(arguments)


def _union(arguments: tuple[Any, ...]) -> str:
    return " or ".join(values(one) for one in arguments if one is not type(None))


def _list(arguments: tuple[Any, ...]) -> str:
    return f"a list of {values(arguments[0])}"


RENDERINGS: dict[Any, Callable[[tuple[Any, ...]], str]] = {
    Literal: lambda words: ", ".join(code(str(word)) for word in words),
    Union: _union,
    types.UnionType: _union,
    list: _list,
    tuple: _list,
    dict: lambda pair: f"a mapping from {values(pair[0])} to {values(pair[1])}",
}
