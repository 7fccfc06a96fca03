r"""Markup → Unicode text: ``\frac{\partial F}{\partial z_{2}}`` → ``∂F/∂z₂``.

Indices become small letters where Unicode has all of them, else they stand in
braces. A quotient is put into parentheses where a factor stands right beside it,
``(1/n) Σ``, and nowhere else: ``1/n · Σ`` and ``1/n + 1`` read from left to right.
"""

from __future__ import annotations

import re
import unicodedata

from bpcli.explaining.documents.steps import DerivationStep

COMMANDS = {
    "partial": "∂", "nabla": "∇", "delta": "δ", "theta": "θ", "eta": "η", "sigma": "σ", "Phi": "Φ", "Psi": "Ψ",
    "mu": "μ", "beta": "β", "lambda": "λ", "nu": "ν", "rho": "ρ", "psi": "ψ", "infty": "∞", "varepsilon": "ε",
    "omega": "ω", "pi": "π",
    "ell": "ℓ",
    "top": "T", "sum": "Σ", "ldots": "… ", "mathcal": "", "mathbf": "",
    "mathrm": "", "text": "", "underline": "", "left": "", "right": "",
    "cdot": " · ", "ast": " ∗ ", "odot": " ⊙ ", "times": " × ", "equiv": " ≡ ", "leftarrow": " ← ", "neq": " ≠ ",
    "leq": " ≤ ",
    "ln": "ln ", "log": "log ", "vdots": "…", "cdots": "…", "ddots": "…",
}  # fmt: skip
"""The text of a command; one that only sets its argument in another font or size has none."""

BRACKETS = {"begin": "[", "end": "]"}
"""A matrix that is written out: rows end in semicolons."""

BESIDE_NO_FACTOR = re.compile(r" *($|[-+=,.)\]}&]|\\\\|\\(cdot|ast|odot|times|leftarrow|neq|equiv|right|text|end)\b)")
"""What can follow a quotient that needs no parentheses."""

LOGARITHMS = ("ln", "log")

OF_QUOTIENT = re.compile(r" *\\frac(?![A-Za-z])")
"""What follows a function of a quotient."""

SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
SUPERSCRIPTS = dict(
    zip("0123456789+-=()abcdefghijklmnoprstuvwxyzLPKNTM", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴸᴾᴷᴺᵀᴹ", strict=True)
)


def math(markup: str) -> str:
    """Markup as text."""
    reader = _Reader(markup)
    return _tidy(reader.until(""))


def prose(line: str) -> str:
    """A sentence with markup between dollar signs as text."""
    parts = line.split("$")
    return "".join(math(part) if place % 2 else part for place, part in enumerate(parts))


def equation(step: DerivationStep) -> str:
    """A step's equation as text, to its first right side."""
    return math(f"{step.symbol} {step.relation} {step.formula}" if step.formula else step.symbol)


def _tidy(text: str) -> str:
    spaced = re.sub(r"  +", " ", text).strip()
    return re.sub(r" ([)\],;])", r"\1", re.sub(r"([(\[]) ", r"\1", spaced))


class _Reader:
    """Reads markup from left to right; ``place`` is where it has come to."""

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self.place = 0

    def until(self, end: str) -> str:
        """Text up to ``end``; ``end`` is consumed."""
        written = ""
        while self.place < len(self.markup) and (not end or self.markup[self.place] != end):
            written += self.item()
        self.place += len(end)
        return written

    def item(self) -> str:
        """The next sign, command or group."""
        sign = self.markup[self.place]
        self.place += 1
        if sign == "{":
            return self.until("}")
        if sign == "_":
            return _index(self.item(), SUBSCRIPTS, "_")
        if sign == "^":
            return _index(self.item(), SUPERSCRIPTS, "^")
        if sign == "&":
            return ", "
        return self.command() if sign == "\\" else sign

    def command(self) -> str:
        """A command after its backslash, with its arguments."""
        found = re.compile(r"[A-Za-z]+").match(self.markup, self.place)
        if found is None:
            self.place += 1
            sign = self.markup[self.place - 1]
            return "; " if sign == "\\" else sign
        self.place = found.end()
        name, following = found[0], self.markup[self.place : self.place + 2]
        if following[:1] == " " and (name in ("partial", "nabla") or following[1:].isalnum()):
            self.place += 1
        if name == "frac":
            quotient = self.quotient()
            return quotient if BESIDE_NO_FACTOR.match(self.markup, self.place) else f"({quotient})"
        if name in BRACKETS:
            self.item()
            return BRACKETS[name]
        if name == "sqrt":
            return f"√({self.item()})"
        if name == "hat":
            return unicodedata.normalize("NFC", self.item() + "\N{COMBINING CIRCUMFLEX ACCENT}")
        if name not in COMMANDS:  # a function such as \cosh
            return name if self.markup.startswith("(", self.place) else self.function(f"{name} ")
        return self.function(COMMANDS[name]) if name in LOGARITHMS else COMMANDS[name]

    def function(self, written: str) -> str:
        """A function's name; a quotient that it is of stands in parentheses, as nothing else says where it ends."""
        found = OF_QUOTIENT.match(self.markup, self.place)
        if found is None:
            return written
        self.place = found.end()
        return f"{written}({self.quotient()})"

    def quotient(self) -> str:
        """The two arguments of a quotient, without parentheses of its own."""
        return _quotient(self.item(), self.item())


def _quotient(over: str, under: str) -> str:
    if (over.startswith(("∂", "d ")) and under.startswith(("∂", "d "))) or (over == "d" and under.startswith("d ")):
        return f"{over}/{under}".replace("d ", "d")
    return f"{_grouped(over)}/{_grouped(under)}"


def _grouped(text: str) -> str:
    text = text.strip()
    return f"({text})" if " " in text else text


def _index(text: str, letters: dict[str, str], mark: str) -> str:
    text = text.strip().replace(" ·", "·")
    small = "".join(letters.get(letter, "") for letter in text.replace(" ", ""))
    if len(small) == len(text.replace(" ", "")):
        return small
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{_tidy(text)}}}"
