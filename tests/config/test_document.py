"""YAML: the 1.2 core schema, nothing that hides or repeats, and the line of everything."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bpcli.config.document import MAX_DEPTH, Node, dump, parse, read_yaml
from bpcli.errors import ConfigError, ExitStatus, SystemRefusedError

from .support import deterministic, refusal, write

HERE = Path("/somewhere")


def plain(text: str) -> Any:
    return parse(text, "f", HERE).plain()


def value(text: str) -> Any:
    """What a scalar reads as."""
    return plain(f"- {text}")[0]


def refused(text: str) -> list[str]:
    return refusal(lambda: parse(text, "f", HERE))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("-7", -7),
        ("007", 7),
        ("0o17", 15),
        ("0x1f", 31),
        ("0xFF", 255),
        ("9" * 399, 10**399 - 1),
    ],
)
def test_whole_numbers(text: str, number: int) -> None:
    assert value(text) == number
    assert type(value(text)) is int


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-3", 1e-3),
        ("1E3", 1e3),
        ("1e+3", 1e3),
        (".5", 0.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("+1.5", 1.5),
        ("12e03", 12e3),
        ("1.e2", 100.0),
        ("0.1", 0.1),
        ("1e-400", 0.0),
        ("9007199254740993.0", 9007199254740992.0),
    ],
)
def test_numbers_with_a_point_or_an_exponent(text: str, number: float) -> None:
    assert value(text) == number
    assert type(value(text)) is float


@pytest.mark.parametrize(
    "text",
    [
        "on", "off", "yes", "no", "y", "n", "On", "NO", "tRue", "nULL", "nan", "inf", "NaN", "Infinity",
        "1_000", "0b11", "-0x1f", "0O17", "0o8", "0xg", "1:30", "1:30:00", "2001-01-01", "1e", "e5", "+", ".", "..",
        "1.2.3", "1,000", "50%", "0x", "<<", "=", "~a", "a#b", "１", "9" * 400,
    ],
)  # fmt: skip
def test_everything_else_plain_is_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_truth(text: str) -> None:
    assert value(text) is True
    assert value(text.replace("rue", "rue").lower().replace("true", "false")) is False


@pytest.mark.parametrize("text", ["false", "False", "FALSE"])
def test_falsehood(text: str) -> None:
    assert value(text) is False


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing(text: str) -> None:
    assert value(text) is None
    assert plain(f"a: {text}\nb: 1") == {"b": 1}


@pytest.mark.parametrize("text", ["1", "1e-3", "true", "null", "~", ".nan", "", "no", "0o17"])
@pytest.mark.parametrize("style", ["'{}'", '"{}"'])
def test_quoted_scalars_are_text(text: str, style: str) -> None:
    assert value(style.format(text)) == text


def test_blocks_are_text() -> None:
    assert plain("a: |\n  1\n  2\nb: >\n  1\n  2\n") == {"a": "1\n2\n", "b": "1 2\n"}


@pytest.mark.parametrize(
    "text", [".nan", ".NaN", ".NAN", ".inf", "-.inf", "+.Inf", "-.INF", "1e400", "-1e400", "9" * 310 + "."]
)
def test_numbers_that_are_not_finite_are_refused(text: str) -> None:
    assert refused(f"a: 1\nb: {text}\n") == [f"error: f:2: {text} is not a finite number", "hint: give a number"]


@pytest.mark.parametrize(
    ("text", "where", "first"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1),
        ("x:\n  a: 1\n\n  # between\n  a: 3\n", 5, 2),
        ("{a: 1,\n a: 2}\n", 2, 1),
        ("- a: 1\n  a: 2\n", 2, 1),
        ('"a": 1\na: 2\n', 2, 1),
        ("a:\n  - 1\na:\n", 3, 1),
    ],
)
def test_key_that_stands_twice_is_refused_with_both_lines(text: str, where: int, first: int) -> None:
    assert refused(text) == [f"error: f:{where}: key 'a' stands twice", f"hint: the first is at f:{first}; keep one"]


def test_same_key_in_different_mappings_is_fine() -> None:
    assert plain("a: {a: {a: 1}}\nb: {a: 2}") == {"a": {"a": {"a": 1}}, "b": {"a": 2}}


WRITE_OUT, PLAIN = "write the value out", "a config holds plain values only"


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        ("a: &x 1\nb: *x\n", 2, "alias '*x'", WRITE_OUT),
        ("a: &x {c: 1}\nb:\n  <<: *x\n", 3, "alias '*x'", WRITE_OUT),
        ("a: &x [*x]\n", 1, "alias '*x'", WRITE_OUT),
        ("a: 1\nb: *nowhere\n", 2, "alias '*nowhere'", WRITE_OUT),
        ("a: !!str 1\n", 1, "tag 'tag:yaml.org,2002:str'", PLAIN),
        ("a: 1\nb: !!python/name:os.system\n", 2, "tag 'tag:yaml.org,2002:python/name:os.system'", PLAIN),
        ("a: !x\n  b: 1\n", 1, "tag '!x'", PLAIN),
        ("a: ! b\n", 1, "tag '!'", PLAIN),
        ("a: !!seq [1]\n", 1, "tag 'tag:yaml.org,2002:seq'", PLAIN),
        ("!k a: 1\n", 1, "tag '!k'", PLAIN),
        ("a: 1\n---\nb: 2\n", 2, "a second YAML document", "one config per file"),
        ("---\na: 1\n...\n---\n", 4, "a second YAML document", "one config per file"),
        ("? [a, b]\n: 1\n", 1, "a key that is a list or a mapping", "keys are words"),
        ("a: 1\n? {b: 1}\n: 1\n", 2, "a key that is a list or a mapping", "keys are words"),
    ],
)
def test_what_hides_a_value_is_refused(text: str, line: int, what: str, hint: str) -> None:
    assert refused(text) == [f"error: f:{line}: {what}", f"hint: {hint}"]


def test_anchor_that_nothing_refers_to_changes_nothing() -> None:
    assert plain("a: &x 1\nb: &y [2]\n&z c: &w {d: 3}") == {"a": 1, "b": [2], "c": {"d": 3}}


@pytest.mark.parametrize(
    "text",
    ["a: 1", "---\na: 1\n", "a: 1\n...\n", "%YAML 1.2\n---\na: 1\n", "\ufeffa: 1", "# x\n\na: 1 # y\n", "a: 1\r\n"],
)
def test_marks_of_a_document_and_comments_do_not_count(text: str) -> None:
    assert plain(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "~"])
def test_empty_document_is_nothing(text: str) -> None:
    assert parse(text, "f", HERE).value is None


DEEP = [f"error: f:1: nested more than {MAX_DEPTH} deep", "hint: a config has a few levels"]
MANY = 200_000


@pytest.mark.parametrize(
    "text",
    [
        "[" * MANY,
        "a: " + "[" * 5000 + "]" * 5000,
        "{a: " * MANY,
        '{"a":' * 5000,
        "[{a: " * 5000,
        "- " * MANY,
        "- " * 5000 + "a",
        "[&x " * 5000,
    ],
    ids=["brackets", "closed", "mappings", "json", "both", "dashes", "dashes to a value", "anchors"],
)
def test_nesting_of_any_depth_is_refused(text: str) -> None:
    assert refused(text) == DEEP


@pytest.mark.parametrize("text", ["? " * MANY, "a: " * MANY, "!x [" * MANY, "*a " * MANY, "[[a]: " * MANY, ": " * MANY])
def test_repetition_of_any_length_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, "f", HERE)


def test_nested_block_mappings_are_refused_at_the_line_that_is_too_deep() -> None:
    text = "\n".join(" " * depth + "a:" for depth in range(1500))

    assert refused(text) == [f"error: f:{MAX_DEPTH + 1}: nested more than {MAX_DEPTH} deep", DEEP[1]]


def test_nesting_up_to_the_limit_is_read() -> None:
    inner = plain("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH - 1):
        (inner,) = inner
    assert inner == []


NOT_YAML = "hint: check indentation, quotes and brackets"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a:\n\tb: 1\n", 2, "found character '\\t' that cannot start any token"),
        ("a: 1\n\tb: 2\n", 2, "found character '\\t' that cannot start any token"),
        ("a: b: c\n", 1, "mapping values are not allowed here"),
        ("a: 1\n  b: 2\n", 2, "mapping values are not allowed here"),
        ("a: 1\n- b\n", 2, "expected <block end>, but found '-'"),
        ("a: ]\n", 1, "expected the node content, but found ']'"),
        ("a: @x\n", 1, "found character '@' that cannot start any token"),
        ("a: [1\nb: 2\n", 2, "expected ',' or ']', but got ':'"),
        ("a: 1\nb: 'x\n", 3, "found unexpected end of stream"),
        ('a: "\\q"\n', 1, "found unknown escape character 'q'"),
        ("a: 1\nb\n", 3, "could not find expected ':'"),
        ("%YAML 3.0\n---\na: 1\n", 1, "found incompatible YAML document (version 1.* is required)"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(text: str, line: int, problem: str) -> None:
    assert refused(text) == [f"error: f:{line}: not YAML: {problem}", NOT_YAML]


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x07", "\x1b", "\x7f", "\x9f", "\ufffe", "\ud800"])
def test_control_characters_are_refused_with_their_line(character: str) -> None:
    assert refused(f"a: 1\n\nb: x{character}\n") == [
        f"error: f:3: not YAML: character U+{ord(character):04X} is not allowed",
        "hint: save it as plain text",
    ]


@pytest.mark.parametrize(("escape", "shown"), [("\\0", "0000"), ("\\x00", "0000"), ("\\ud800", "D800")])
@pytest.mark.parametrize("text", ['a: 1\nb: "x{}"\n', 'a: 1\n"x{}": 1\n'])
def test_escapes_of_what_no_file_can_hold_are_refused(text: str, escape: str, shown: str) -> None:
    assert refused(text.format(escape)) == [
        f"error: f:2: character U+{shown} is not allowed",
        "hint: leave the escape out",
    ]


@pytest.mark.parametrize("escape", ["\\U00110000", "\\UFFFFFFFF"])
def test_escapes_beyond_unicode_are_refused(escape: str) -> None:
    assert refused(f'a: 1\nb: "{escape}"\n') == [
        "error: f:2: not YAML: an escape beyond U+10FFFF names no character",
        "hint: correct it",
    ]


def test_other_escapes_are_read() -> None:
    assert plain('a: "\\t\\e[1m\\x41\\u00e9\\U0001F600"') == {"a": "\t\x1b[1mAé😀"}


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
awkward = st.sampled_from(
    [
        "", " ", " x", "x ", "null", "Null", "~", "true", "no", "on", "1", "1e3", "1E3", ".5", "5.", ".inf", "-.INF",
        ".nan", "0o17", "0x1f", "1_000", "1:30", "#", "a #b", ":", "a: b", "a:", "- a", "-", "?", "? a", "*a", "&a",
        "!a", "|", ">", "%", "@", "`", "{a", "[a", "]", ",", "'", '"', "'a'", "\\", "\\n", "a\nb", "a\n", "\na",
        "a\n\n b", "a\r\nb", "\r", "\t", "a\tb", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff", "é", "😀", "<<", "=",
        "---", "...", "--- a", "a" * 300, "a b " * 80, "2001-01-01", "1e400", "9" * 500, "١",
    ]
)  # fmt: skip
texts = words | awkward
numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    texts | numbers | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@deterministic
@given(st.dictionaries(texts, values, max_size=5))
@example({"a": "null", "b": [1e-5, 1e16, -0.0, 5e-324], "": {"": []}, "c": {}})
def test_what_is_dumped_reads_back_as_it_was(config: dict[str, Any]) -> None:
    back = plain(dump(config))

    assert back == config
    assert repr(back) == repr(config)  # 1, 1.0 and True are equal, and so are 0.0 and -0.0


@deterministic
@given(awkward, awkward)
def test_awkward_text_is_dumped_so_that_it_reads_back(key: str, text: str) -> None:
    assert plain(dump({key: text, "list": [text, {key: text}]})) == {key: text, "list": [text, {key: text}]}


def test_dump_leaves_printable_text_readable() -> None:
    assert dump({"é": "naïve 東京 😀"}) == "{é: naïve 東京 😀}\n"


def test_dump_keeps_order_and_repeats_what_is_shared() -> None:
    shared = [1]

    assert dump({"b": shared, "a": shared}) == "b: [1]\na: [1]\n"


@pytest.mark.parametrize("number", [1e-5, 1e16, 1e22, 0.1, 5e-324, 1.7976931348623157e308, -0.0, 100.0])
def test_floats_are_dumped_plain_with_the_digits_that_make_them(number: float) -> None:
    text = dump({"a": number})

    digits, e, exponent = repr(number).partition("e")
    point = "" if "." in digits or not e else ".0"  # YAML 1.1 reads 1e-05 as text
    assert text == f"{{a: {digits}{point}{e}{exponent}}}\n"
    assert math.copysign(1, plain(text)["a"]) == math.copysign(1, number)


def lines(node: Node) -> Any:
    """The line of every value in place of the value."""
    if isinstance(node.value, dict):
        return {key: (child.where, lines(child)) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [(child.where, lines(child)) for child in node.value]
    return node.value


def test_every_value_knows_the_line_of_its_key() -> None:
    text = "a: 1\n\nb:\n  # comment\n  c:\n    2\n  d: [3,\n    {e: 4}]\n"

    assert lines(parse(text, "f", HERE)) == {
        "a": ("f:1", 1),
        "b": ("f:3", {"c": ("f:5", 2), "d": ("f:7", [("f:7", 3), ("f:8", {"e": ("f:8", 4)})])}),
    }


def test_values_from_elsewhere_than_a_file_have_no_line() -> None:
    assert lines(parse("{a: 1,\n b: 2}", "here", HERE, lines=False)) == {"a": ("here", 1), "b": ("here", 2)}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("a",), 1),
        (("b", "c"), 3),
        (("b", "c", 1), 4),
        (("b", "c", "1"), 4),
        (("b", "c", 7), 3),
        (("b", "x"), 2),
        (("x", "a"), 1),
        (("a", "deeper"), 1),
    ],
)
def test_place_of_a_path_is_that_of_its_deepest_part(path: tuple[str | int, ...], line: int) -> None:
    assert parse("a: 1\nb:\n  c: [2,\n    3]\n", "f", HERE).at(path).where == f"f:{line}"


def test_file_is_read_with_its_name_and_folder(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffa: 1\r\nb: 2\r\n")

    assert lines(read_yaml(path)) == {"a": (f"{path}:1", 1), "b": (f"{path}:2", 2)}
    assert read_yaml(path).base == tmp_path


@pytest.mark.parametrize(
    ("content", "report"),
    [
        (b"a: 1\nb: caf\xe9\n", ["error: c.yaml:2: byte 0xe9 is not UTF-8 text", "hint: save it as UTF-8"]),
        ("a: 1\n".encode("utf-16"), ["error: c.yaml:1: byte 0xff is not UTF-8 text", "hint: save it as UTF-8"]),
        (b"a: 1\n\0", ["error: c.yaml:2: not YAML: character U+0000 is not allowed", "hint: save it as plain text"]),
    ],
)
def test_file_that_is_no_text_is_refused(content: bytes, report: list[str], tmp_path: Path) -> None:
    path = write(tmp_path, content)

    assert refusal(lambda: read_yaml(path)) == report


@pytest.mark.parametrize("gone", ["absent.yaml", "c.yaml/absent.yaml"])
def test_absent_file_is_a_mistake_of_use(gone: str, tmp_path: Path) -> None:
    write(tmp_path, "a: 1\n")

    with pytest.raises(ConfigError) as caught:
        read_yaml(tmp_path / gone)

    assert caught.value.lines() == [f"error: {tmp_path / gone}: no such config", "hint: name a YAML file"]
    assert caught.value.status is ExitStatus.USAGE


def test_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(tmp_path)

    assert caught.value.lines() == [
        f"error: {tmp_path}: this is a folder, not a config",
        "hint: name the YAML file in it",
    ]


def test_name_that_the_system_refuses_is_told_as_its_refusal(tmp_path: Path) -> None:
    with pytest.raises(SystemRefusedError) as caught:
        read_yaml(tmp_path / ("x" * 5000))

    assert caught.value.message == "can't read: file name too long"
