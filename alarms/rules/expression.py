"""Conditions of rules: text to a checked tree, the tree to numpy.

::

    condition := or ;  or := and ("or" and)* ;  and := not ("and" not)* ;  not := "not" not | comparison
    comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)?
    sum := term (("+" | "-") term)* ;  term := factor (("*" | "/") factor)*
    factor := number | signal | value-name | param(name, default) | code(concept) | abs(sum) | "-" factor | "(" or ")"

A name is a signal of the rule's kind; beside an enum signal it is one of the signal's values
(``service_mode == inspection``). Logic has three values: true, false and unknown; a number that is unknown makes its
comparison unknown, ``false and unknown`` is false, ``true or unknown`` is true. Division by zero is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from alarms.errors import RuleError
from equipment.catalogue.model import Kind, Signal, SignalType

FALSE, TRUE, UNKNOWN = 0, 1, -1
Truth = npt.NDArray[np.int8]
"""Per unit: 1 true, 0 false, -1 unknown."""
Numbers = npt.NDArray[np.float64]
"""Per unit: a number, NaN where unknown."""

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([a-z_][a-z0-9_]*)|(<=|>=|==|!=|[<>()+\-*/,]))")
COMPARISONS: dict[str, Callable[[Numbers, Numbers], npt.NDArray[np.bool_]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
ARITHMETIC: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


class Facts(Protocol):
    """What a condition can ask about some units, all in one order."""

    def signal(self, name: str) -> Numbers:
        """Held value, NaN where absent, stale or unknown."""

    def parameter(self, name: str, default: float) -> Numbers:
        """A technical parameter of each unit."""

    def code(self, bit: int) -> Truth:
        """Whether the concept's code is active; unknown where no code list ever spoke."""


Number = Callable[[Facts], Numbers]
Logic = Callable[[Facts], Truth]


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked condition: its text, what it needs, and how it is evaluated."""

    text: str
    signals: frozenset[str]
    parameters: frozenset[tuple[str, float]]
    codes: frozenset[str]
    evaluate: Logic


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class _Operand:
    """A parsed number, with the enum signal it came from, so that its value names can be read."""

    number: Number
    signal: Signal | None = None
    word: _Token | None = None


def parse(text: str, kind: Kind, concepts: Mapping[str, int]) -> Expression:
    """Check a condition against the kind's signals and the known concepts.

    Raises
    ------
    RuleError
        The message carries the column and what is wrong.
    """
    return _Parser(text, kind, concepts).parse()


class _Parser:
    def __init__(self, text: str, kind: Kind, concepts: Mapping[str, int]) -> None:
        self._text = text
        self._kind = kind
        self._concepts = concepts
        self._tokens = list(self._tokenise(text))
        self._at = 0
        self._signals: set[str] = set()
        self._parameters: set[tuple[str, float]] = set()
        self._codes: set[str] = set()

    def parse(self) -> Expression:
        logic = self._or()
        if self._peek().kind != "end":
            raise self._wrong(self._peek(), "expected the end, 'and' or 'or'")
        return Expression(
            self._text, frozenset(self._signals), frozenset(self._parameters), frozenset(self._codes), logic
        )

    def _tokenise(self, text: str) -> list[_Token]:
        tokens = []
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = TOKEN.match(text, position)
            if match is None:
                raise RuleError(
                    f"column {position + 1}: {text[position:].strip()[:10]!r} is not understood in {text!r}"
                )
            kind = "number" if match[1] else "name" if match[2] else "symbol"
            tokens.append(_Token(kind, match[1] or match[2] or match[3], match.start(match.lastindex or 0) + 1))
            position = match.end()
        tokens.append(_Token("end", "", end + 1))
        return tokens

    def _wrong(self, token: _Token, message: str) -> RuleError:
        found = token.text or "the end"
        return RuleError(f"column {token.column}: {message}, found {found!r} in {self._text!r}")

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _accept(self, text: str) -> bool:
        if self._peek().text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._wrong(self._peek(), f"expected {text!r}")

    def _or(self) -> Logic:
        parts = [self._and()]
        while self._accept("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else any_of(parts)

    def _and(self) -> Logic:
        parts = [self._not()]
        while self._accept("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else all_of(parts)

    def _not(self) -> Logic:
        if self._accept("not"):
            inner = self._not()
            return lambda facts: negated(inner(facts))
        return self._comparison()

    def _comparison(self) -> Logic:
        start = self._peek()
        if start.text == "(":
            # a bracket may hold logic or a number: try logic first
            mark = self._at
            self._at += 1
            try:
                inner = self._or()
                self._expect(")")
            except RuleError:
                self._at = mark
            else:
                if self._peek().text not in COMPARISONS and self._peek().text not in ARITHMETIC:
                    return inner
                self._at = mark
        if start.text == "code":
            return self._code()
        left = self._sum()
        operator = self._peek().text
        if operator not in COMPARISONS:
            return self._as_logic(left, start)
        self._at += 1
        right = self._sum()
        return self._compared(left, operator, right)

    def _code(self) -> Logic:
        self._at += 1
        self._expect("(")
        name = self._next()
        if name.text not in self._concepts:
            raise self._wrong(name, "no code means this concept")
        self._expect(")")
        self._codes.add(name.text)
        bit = self._concepts[name.text]
        return lambda facts: facts.code(bit)

    def _as_logic(self, operand: _Operand, start: _Token) -> Logic:
        signal = operand.signal
        if signal is None or signal.type is not SignalType.BOOL:
            raise self._wrong(start, "a condition is a yes/no signal or a comparison")
        number = operand.number
        return lambda facts: _truth(number(facts) != 0, np.isnan(number(facts)))

    def _compared(self, left: _Operand, operator: str, right: _Operand) -> Logic:
        one, other = self._resolved(left, right), self._resolved(right, left)
        compare = COMPARISONS[operator]

        def logic(facts: Facts) -> Truth:
            a, b = one(facts), other(facts)
            return _truth(compare(a, b), np.isnan(a) | np.isnan(b))

        return logic

    def _resolved(self, operand: _Operand, beside: _Operand) -> Number:
        """The operand's number; a bare word takes its meaning from the enum signal beside it."""
        if operand.word is None:
            return operand.number
        signal = beside.signal
        values = dict(signal.values or {}) if signal is not None else {}
        for code, name in values.items():
            if name == operand.word.text:
                constant = float(code)
                return lambda _: np.float64(constant)  # type: ignore[return-value]
        allowed = ", ".join(values.values()) or "a signal of " + self._kind.name
        raise self._wrong(operand.word, f"expected {allowed}")

    def _sum(self) -> _Operand:
        return self._chain(self._term, ("+", "-"))

    def _term(self) -> _Operand:
        return self._chain(self._factor, ("*", "/"))

    def _chain(self, part: Callable[[], _Operand], operators: tuple[str, str]) -> _Operand:
        left = part()
        while self._peek().text in operators and self._peek().kind == "symbol":
            operate = ARITHMETIC[self._next().text]
            left = _Operand(_combined(operate, self._numeric(left), self._numeric(part())))
        return left

    def _numeric(self, operand: _Operand) -> Number:
        if operand.word is not None:
            raise self._wrong(operand.word, f"{self._kind.name} has no such signal")
        return operand.number

    def _factor(self) -> _Operand:
        token = self._next()
        if token.kind == "number":
            constant = float(token.text)
            return _Operand(lambda _: np.float64(constant))  # type: ignore[arg-type,return-value]
        if token.text == "-":
            inner = self._numeric(self._factor())
            return _Operand(lambda facts: -inner(facts))
        if token.text == "(":
            operand = self._sum()
            self._expect(")")
            return operand
        if token.kind == "name" and token.text == "abs":
            self._expect("(")
            value = self._numeric(self._sum())
            self._expect(")")
            return _Operand(lambda facts: np.abs(value(facts)))
        if token.kind == "name" and token.text == "param":
            return self._parameter()
        if token.kind == "name" and token.text not in {"and", "or", "not", "code"}:
            return self._name(token)
        raise self._wrong(token, "expected a number, a signal or a bracket")

    def _parameter(self) -> _Operand:
        self._expect("(")
        name = self._next()
        self._expect(",")
        default = self._next()
        if name.kind != "name" or default.kind != "number":
            raise self._wrong(default, "expected param(name, default)")
        self._expect(")")
        key, fallback = name.text, float(default.text)
        self._parameters.add((key, fallback))
        return _Operand(lambda facts: facts.parameter(key, fallback))

    def _name(self, token: _Token) -> _Operand:
        signal = self._kind.signal(token.text)
        if signal is None:
            return _Operand(lambda _: np.float64(np.nan), word=token)  # type: ignore[arg-type,return-value]
        if signal.type is SignalType.TEXT:
            raise self._wrong(token, "a text cannot be judged")
        self._signals.add(signal.name)
        name = signal.name
        return _Operand(lambda facts: facts.signal(name), signal=signal)


def _combined(operate: Callable[[Numbers, Numbers], Numbers], left: Number, right: Number) -> Number:
    def number(facts: Facts) -> Numbers:
        with np.errstate(divide="ignore", invalid="ignore"):
            result = operate(left(facts), right(facts))
        return np.where(np.isfinite(result), result, np.nan)

    return number


def _truth(holds: npt.NDArray[np.bool_], unknown: npt.NDArray[np.bool_]) -> Truth:
    return np.where(unknown, UNKNOWN, holds).astype(np.int8)


def negated(truth: Truth) -> Truth:
    """Not: unknown stays unknown."""
    return np.where(truth == UNKNOWN, UNKNOWN, 1 - truth).astype(np.int8)


def all_of(parts: list[Logic]) -> Logic:
    """And: false wins over unknown, unknown over true."""

    def logic(facts: Facts) -> Truth:
        values = [part(facts) for part in parts]
        result = values[0]
        for value in values[1:]:
            false = (result == FALSE) | (value == FALSE)
            unknown = (result == UNKNOWN) | (value == UNKNOWN)
            result = np.where(false, FALSE, np.where(unknown, UNKNOWN, TRUE)).astype(np.int8)
        return result

    return logic


def any_of(parts: list[Logic]) -> Logic:
    """Or: true wins over unknown, unknown over false."""

    def logic(facts: Facts) -> Truth:
        values = [part(facts) for part in parts]
        result = values[0]
        for value in values[1:]:
            true = (result == TRUE) | (value == TRUE)
            unknown = (result == UNKNOWN) | (value == UNKNOWN)
            result = np.where(true, TRUE, np.where(unknown, UNKNOWN, FALSE)).astype(np.int8)
        return result

    return logic
