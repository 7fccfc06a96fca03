r"""Markup → MathML, which browsers draw themselves: ``\frac{1}{m}`` → ``<mfrac><mn>1</mn><mi>m</mi></mfrac>``.

Elements are lists: the tag, then what is in the element, texts and elements. A symbol can be marked: ``marked`` gets
its markup with its indices, also that of a derivative such as ``\frac{\partial F}{\partial z_{2}}`` or of a function
with its argument, and says what it stands for, a number. It is then within an element ``["s", number, …]``, which
:func:`html` writes as ``mrow``, so that a page can say more of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from bpcli.explaining.rendering import unicode
from bpcli.nn.markup import closing_brace

Element = list[Any]
"""A tag, then texts and elements."""

Marked = Callable[[str], int | None]
"""From a symbol's markup to what it stands for; None where there is nothing to say."""

TOKEN = re.compile(r"\s*(\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S)", re.DOTALL)

OPERATORS = {
    r"\cdot": "⋅", r"\odot": "⊙", r"\ast": "∗", r"\times": "×", r"\leftarrow": "←", r"\equiv": "≡", r"\neq": "≠",
    r"\vdots": "⋮", r"\cdots": "⋯", r"\ddots": "⋱", r"\ldots": "…", "-": "−",
}  # fmt: skip
"""Commands and signs that are operators under another sign."""

LETTERS = {
    "partial": "∂", "nabla": "∇", "top": "⊤", "infty": "∞", "ell": "ℓ", "varepsilon": "ε", "epsilon": "ϵ",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip

SCRIPT = {"L": "ℒ", "C": "𝒞", "J": "𝒥"}
BOLD_ZERO, BOLD_A = ord("𝟎"), ord("𝐀")
OPENING, CLOSING = "([", ")]"
APPLIED = ["mo", "\N{FUNCTION APPLICATION}"]
MARK = "s"


def elements(markup: str, marked: Marked | None = None) -> list[Element]:
    """The elements of markup, from left to right."""
    return list(_Reader(markup, marked or _nothing).items(""))


def html(markup: str) -> str:
    """Markup within a line of HTML; for those who hear it, it is the text of :mod:`.unicode`."""
    inside = "".join(map(_html, elements(markup)))
    return f'<math alttext="{escape(unicode.math(markup))}"><mrow>{inside}</mrow></math>'


def _html(element: Any) -> str:
    if isinstance(element, str):
        return escape(element)
    tag, *inside = ["mrow", *element[2:]] if element[0] == MARK else element
    return f"<{tag}>{''.join(map(_html, inside))}</{tag}>"


def prose(line: str) -> list[str | list[Element]]:
    """A sentence with markup between dollar signs: texts, and lists of elements."""
    parts = enumerate(line.split("$"))
    return [elements(part) if place % 2 else part for place, part in parts if part]


def _nothing(text: str) -> None:
    """No symbol is marked."""


class _Reader:
    """Reads markup from left to right; ``place`` is how far it has come."""

    def __init__(self, markup: str, marked: Marked) -> None:
        self.markup, self.marked = markup, marked
        self.place = 0

    def peek(self) -> str:
        found = TOKEN.match(self.markup, self.place)
        return found[1] if found else ""

    def take(self) -> str:
        found = TOKEN.match(self.markup, self.place)
        assert found is not None, self.markup
        self.place = found.end()
        return found[1]

    def group(self) -> str:
        """The markup in braces, or the next token."""
        first = self.take()
        if first != "{":
            return first
        start, end = self.place, closing_brace(self.markup, self.place)
        self.place = end + 1
        return self.markup[start:end]

    def inner(self, text: str, *, marks: bool = False) -> Element:
        """Markup within this one as a single element."""
        found = elements(text, self.marked if marks else None)
        return found[0] if len(found) == 1 else ["mrow", *found]

    def items(self, end: str) -> Iterator[Element]:
        """Elements up to ``end``, which is taken."""
        while self.peek() and self.peek() != end:
            yield self.item()
        if end and self.peek():
            self.take()

    def item(self) -> Element:
        """The next element with its indices, marked where it stands for something."""
        self.place = len(self.markup) - len(self.markup[self.place :].lstrip())
        start = self.place
        bare = self.peek() == r"\nabla"
        element = self.scripted()
        name, end = self.name_from(start), self.place
        if bare and name is None and self.markup[end - 1] == "a":
            return self.gradient(start, element)
        if self.peek() in ("(", r"\left") and self.markup[start] not in OPENING:
            applied = self.scripted()
            whole = self.name_from(start)
            if whole is not None:
                return [MARK, whole, element, applied]
            self.place = end
        return element if name is None else [MARK, name, self.inner(self.markup[start:end])]

    def gradient(self, start: int, nabla: Element) -> Element:
        """A nabla, with the symbol that it is of where both together stand for something."""
        end = self.place
        self.place += len(self.markup[end:]) - len(self.markup[end:].lstrip())
        of = self.scripted()
        name = self.name_from(start)
        if name is not None:
            return [MARK, name, nabla, of]
        self.place = end
        return nabla

    def name_from(self, start: int) -> int | None:
        return self.marked(self.markup[start : self.place].strip())

    def scripted(self) -> Element:
        """An element with what stands below and above it."""
        word = self.peek()
        element, below, above = self.element(), list[Element](), list[Element]()
        while self.peek() in ("_", "^", "'"):
            mark = self.take()
            script = ["mo", "′"] if mark == "'" else self.inner(self.group(), marks=word == "e")
            (below if mark == "_" else above).append(script)
        under, over, both = ("munder", "mover", "munderover") if word == r"\sum" else ("msub", "msup", "msubsup")
        tag = both if below and above else under if below else over
        scripts = [one[0] if len(one) == 1 else ["mrow", *one] for one in (below, above) if one]
        return [tag, element, *scripts] if scripts else element

    def element(self) -> Element:
        """The next element by itself."""
        word = self.take()
        if word == "{":
            self.place -= 1
            return self.inner(self.group(), marks=True)
        if word in OPENING:
            closing = CLOSING[OPENING.index(word)]
            return ["mrow", ["mo", word], *self.items(closing), ["mo", closing]]
        if word[0].isdigit():
            return ["mn", word]
        if word in OPERATORS or not (word.isalpha() or word[0] == "\\"):
            return ["mo", OPERATORS.get(word, word)]
        return self.command(word[1:]) if word[0] == "\\" else ["mi", word]

    def command(self, name: str) -> Element:
        """What a command stands for, with its arguments; a function by its name."""
        if name in _COMMANDS:
            return _COMMANDS[name](self)
        return ["mi", LETTERS[name]] if name in LETTERS else ["mrow", ["mi", name], APPLIED]

    def fraction(self) -> Element:
        return ["mfrac", *(self.inner(self.group(), marks=True) for _ in range(2))]

    def root(self) -> Element:
        return ["msqrt", self.inner(self.group(), marks=True)]

    def brackets(self) -> Element:
        opening = self.take()
        inside = list(self.items(r"\right"))
        return ["mrow", ["mo", opening], *inside, ["mo", self.take()]]

    def words(self) -> Element:
        return ["mtext", self.group().replace(" ", "\N{NO-BREAK SPACE}")]

    def upright(self) -> Element:
        return ["mi", self.group()]

    def bold(self) -> Element:
        text = self.group()
        first = BOLD_ZERO - ord("0") if text.isdigit() else BOLD_A - ord("A")
        return ["mi", chr(first + ord(text)) if text.isalnum() and len(text) == 1 else text]

    def script(self) -> Element:
        text = self.group()
        return ["mi", SCRIPT.get(text, text)]

    def hat(self) -> Element:
        return ["mover", self.inner(self.group()), ["mo", "^"]]

    def underline(self) -> Element:
        return ["munder", self.inner(self.group()), ["mo", "_"]]


_COMMANDS: dict[str, Callable[[_Reader], Element]] = {
    "frac": _Reader.fraction,
    "sqrt": _Reader.root,
    "left": _Reader.brackets,
    "text": _Reader.words,
    "mathrm": _Reader.upright,
    "mathbf": _Reader.bold,
    "mathcal": _Reader.script,
    "hat": _Reader.hat,
    "underline": _Reader.underline,
    "sum": lambda reader: ["mo", "∑"],
}
