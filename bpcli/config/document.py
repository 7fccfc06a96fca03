"""YAML as a tree of nodes that remember where they stand; the only importer of yaml.

The YAML 1.2 core schema decides what a plain scalar is: ``1e-3`` is a number,
``on`` and ``no`` are text. Aliases, tags, ``.nan`` and ``.inf``, repeated keys and
deep nesting are refused. The tree is built from parser events with a stack of
its own, so no input can exhaust Python's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from typing import Any

import yaml

from bpcli.errors import ConfigError, refused
from bpcli.lines.cells import cells
from bpcli.memory import size
from bpcli.storage.bounded import read_file

MOST_BYTES = 1_000_000
"""Of a config, which are read in about 2 seconds; a list of 50,000 columns is half as long."""

MAX_DEPTH = 20
"""Nesting beyond any real config."""

MOST_VALUES = 60_000
"""How many keys and values a config has at most: room for a list of 50,000 columns, read in about 3 seconds."""

Scalar = str | int | float | bool | None

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that escapes can name and neither a path nor a file can hold."""
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass
class Node:
    """A value and its place: ``where`` for messages, ``base`` the folder its paths start from."""

    value: dict[str, Node] | list[Node] | Scalar
    where: str
    base: Path

    def plain(self) -> Any:
        """The value as dicts, lists and scalars; keys without a value are left out."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items() if node.value is not None}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, path: tuple[str | int, ...]) -> Node:
        """The deepest node on the way along ``path``; steps that lead nowhere are passed over."""
        node = self
        for step in path:
            if isinstance(node.value, dict):
                node = node.value.get(str(step), node)
            elif isinstance(node.value, list) and str(step).isdecimal() and int(step) < len(node.value):
                node = node.value[int(step)]
        return node


def read_yaml(path: Path) -> Node:
    """The tree of a YAML file.

    Raises:
        ConfigError: it is absent or not the YAML described above.
    """
    try:
        data = read_file(path, MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError("no such config", where=str(path), hint="name a YAML file") from error
    except IsADirectoryError as error:
        raise ConfigError("this is a folder, not a config", where=str(path), hint="name the YAML file in it") from error
    except OSError as error:
        raise refused("read", path, error) from error
    if data is None:
        message, hint = f"a config of more than {size(MOST_BYTES)}", "is this the config, and not its data?"
        raise ConfigError(message, where=str(path), hint=hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"byte 0x{data[error.start]:02x} is not UTF-8 text", where=f"{path}:{line}", hint="save it as UTF-8"
        ) from error
    return parse(text, str(path), path.absolute().parent)


def parse(text: str, source: str, base: Path, *, lines: bool = True) -> Node:
    """YAML text; ``source`` names it in messages, with the line where it has ``lines``."""

    def place(mark: Any) -> str:
        return f"{source}:{mark.line + 1}" if lines and mark is not None else source

    builder = _Builder(base, Node(None, source, base))
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = f":{text.count(chr(10), 0, error.position) + 1}" if lines else ""
        raise ConfigError(
            f"not YAML: character U+{ord(text[error.position]):04X} is not allowed",
            where=f"{source}{line}",
            hint="save it as plain text",
        ) from error
    try:
        while loader.check_event():
            event = loader.get_event()  # type: ignore[no-untyped-call]
            builder.take(event, place(event.start_mark))
    except yaml.MarkedYAMLError as error:
        raise ConfigError(
            f"not YAML: {error.problem or error.context}",
            where=place(error.problem_mark or error.context_mark),
            hint=_remedy(text, lines=lines),
        ) from error
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            "not YAML: an escape beyond U+10FFFF names no character", where=place(loader.get_mark()), hint="correct it"
        ) from error
    return builder.root


def _remedy(text: str, *, lines: bool) -> str:
    """What mends text that is not YAML; a mark alone, as ``data.decimal=,`` has it, lacks quotes."""
    if lines or set(text) & set("[]{}'\""):
        return "check indentation, quotes and brackets"
    return f"""quote it, and once more for the shell: "'{text}'\""""


def dump(value: dict[str, Any], width: int | None = None) -> str:
    """YAML that :func:`parse` reads back as the same values, settings on one line where it is at most ``width``."""
    text = _dump(value, flow=None)
    return text if width is None or max(map(cells, text.splitlines())) <= width else _dump(value, flow=False)


def _dump(value: dict[str, Any], *, flow: bool | None) -> str:
    """YAML with collections on one line, or with a line for each entry; None: where they hold no others."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=100)


class _Dumper(yaml.SafeDumper):
    """Quotes whatever text would read as something else here, and writes floats so that they read as numbers."""

    def ignore_aliases(self, data: Any) -> bool:
        """Repeat values instead of aliasing them."""
        return True


def _dump_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(_plain_scalar(text), str) else "'"
    if not text.isprintable():
        style = '"'  # escapes whatever another style would take for the end of a line
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _dump_float(dumper: _Dumper, number: float) -> yaml.ScalarNode:
    digits, e, exponent = repr(number).partition("e")
    point = "" if "." in digits or not e else ".0"  # without it, YAML 1.1 readers take 1e-08 for text
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{digits}{point}{e}{exponent}")


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_Dumper.add_representer(str, _dump_text)
_Dumper.add_representer(float, _dump_float)


class _Builder:
    """Turns parser events into nodes."""

    def __init__(self, base: Path, root: Node) -> None:
        self.base = base
        self.root = root
        self.stack: list[Node] = []
        self.keys: list[tuple[str, str] | None] = []
        self.documents = self.values = 0

    def take(self, event: Any, where: str) -> None:
        """Add one event to the tree."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise ConfigError("a second YAML document", where=where, hint="one config per file")
        elif isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"alias '*{event.anchor}'", where=where, hint="write the value out")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, where)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_tag(event, where)
            if len(self.stack) >= MAX_DEPTH:
                raise ConfigError(f"nested more than {MAX_DEPTH} deep", where=where, hint="a config has a few levels")
            self._count(where)
            self._open({} if isinstance(event, yaml.MappingStartEvent) else [], where)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
            self.keys.pop()

    def _scalar(self, event: Any, where: str) -> None:
        self._refuse_tag(event, where)
        self._count(where)
        unwritable = _UNWRITABLE.search(event.value)
        if unwritable:
            raise ConfigError(
                f"character U+{ord(unwritable[0]):04X} is not allowed", where=where, hint="leave the escape out"
            )
        if self._wants_key():
            self._key(event.value, where)
        else:
            value = _scalar_value(event.value, where) if event.style is None else event.value
            self._place(Node(value, where, self.base))

    @staticmethod
    def _refuse_tag(event: Any, where: str) -> None:
        if event.tag is not None:
            raise ConfigError(f"tag '{event.tag}'", where=where, hint="a config holds plain values only")

    def _count(self, where: str) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            message = f"it has more than {MOST_VALUES:,} keys and values"
            raise ConfigError(message, where=where, hint="a config has a few lines; leave out lists that are so long")

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.keys[-1] is None

    def _key(self, key: str, where: str) -> None:
        mapping = self.stack[-1].value
        assert isinstance(mapping, dict)
        if key in mapping:
            raise ConfigError(
                f"key '{key}' stands twice", where=where, hint=f"the first is at {mapping[key].where}; keep one"
            )
        self.keys[-1] = (key, where)

    def _open(self, empty: dict[str, Node] | list[Node], where: str) -> None:
        if self._wants_key():
            raise ConfigError("a key that is a list or a mapping", where=where, hint="keys are words")
        node = Node(empty, where, self.base)
        self._place(node)
        self.stack.append(node)
        self.keys.append(None)

    def _place(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1].value
        if isinstance(parent, list):
            parent.append(node)
        elif isinstance(parent, dict):
            pending = self.keys[-1]
            assert pending is not None
            key, node.where = pending
            parent[key] = node
            self.keys[-1] = None


def _scalar_value(text: str, where: str) -> Scalar:
    """A plain scalar's value."""
    value = _plain_scalar(text)
    if _NOT_FINITE.fullmatch(text) or (isinstance(value, float) and isinf(value)):
        raise ConfigError(f"{text} is not a finite number", where=where, hint="give a number")
    return value


def _plain_scalar(text: str) -> Scalar:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text) and len(text) < 400:
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        lower = text.lower()
        return float(lower.replace(".inf", "inf").replace(".nan", "nan")) if "." in lower or "e" in lower else text
    return text
