"""Conditions of rules: text to a checked tree. Nothing of it is ever executed as program text.

::

    condition := and ("or" and)* ;  and := not ("and" not)* ;  not := "not" not | comparison
    comparison := yes/no signal | code(concept) | missing(signal or code(concept), s)
                | sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum | "(" condition ")"
    sum := term (("+" | "-") term)* ;  term := factor (("*" | "/") factor)*
    factor := number | signal | value-name | "-" factor | "(" sum ")" | abs(sum) | min(sum, sum, …) | max(sum, sum, …)
            | param(name, default) | setting(name, default)
            | mean_over(sum, s) | min_over(sum, s) | max_over(sum, s) | rate(sum, s) | changes(signal, s)
            | count(condition, s) | rises(condition, s) | cusum(sum, reference, slack)

A name is a signal of the rule's kind; beside an enum signal it is one of the signal's values
(``service_mode == inspection``). ``param`` is a parameter of the unit, ``setting`` one of its district; ``s`` is a
number of seconds. Logic has three values: a number that is unknown makes its comparison unknown, ``false and unknown``
is false, ``true or unknown`` is true. Division by zero is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from alarms.errors import RuleError
from alarms.rules import tree
from alarms.rules.tree import Measure, Node, Parameter, Source
from equipment.catalogue.model import Kind, Signal, SignalType

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([a-z_][a-z0-9_]*)|(<=|>=|==|!=|[<>()+\-*/,]))")
COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
WORDS = frozenset({"and", "or", "not"})
DEEPEST = 60
LONGEST_WINDOW_SECONDS = 31 * 86_400.0


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked condition or amount: its text, its tree, and what it needs."""

    text: str
    tree: Node

    @property
    def signals(self) -> frozenset[str]:
        """Signals that are looked at."""
        return frozenset(n.signal for n in tree.walk(self.tree) if isinstance(n, tree.Held | tree.Flag))

    @property
    def codes(self) -> frozenset[str]:
        """Concepts whose codes are looked at."""
        return frozenset(n.concept for n in tree.walk(self.tree) if isinstance(n, tree.Code))

    @property
    def parameters(self) -> frozenset[Parameter]:
        """Limits that differ between units."""
        return frozenset(n for n in tree.walk(self.tree) if isinstance(n, Parameter))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class _Operand:
    """A parsed number, with the signal that it is, if it is one, or the word that is not understood yet."""

    node: Node
    signal: Signal | None = None
    word: _Token | None = None


def parse(text: str, kind: Kind, concepts: Mapping[str, int]) -> Expression:
    """Check a condition against the kind's signals and the known concepts.

    Raises
    ------
    RuleError
        The message carries line, column and what is wrong.
    """
    return Expression(text, _Parser(text, kind, concepts).condition())


def parse_amount(text: str, kind: Kind) -> Expression:
    """Check a number that may differ between units: constants, ``param``, ``setting`` and arithmetic.

    Raises
    ------
    RuleError
    """
    amount = Expression(text, _Parser(text, kind, {}).amount())
    if amount.signals or any(isinstance(n, tree.STATEFUL) for n in tree.walk(amount.tree)):
        raise RuleError(f"a delay may depend on param() and setting(), not on signals: {text!r}")
    return amount


class _Parser:
    def __init__(self, text: str, kind: Kind, concepts: Mapping[str, int]) -> None:
        self._text = text
        self._kind = kind
        self._concepts = concepts
        self._tokens = list(self._tokenise(text))
        self._at = 0
        self._depth = 0
        self._functions: dict[str, Callable[[_Token], Node]] = {
            "abs": self._abs, "min": self._extreme, "max": self._extreme, "param": self._parameter,
            "setting": self._parameter, "changes": self._changes, "count": self._counted, "rises": self._counted,
            "mean_over": self._measured, "min_over": self._measured, "max_over": self._measured, "rate": self._measured,
            "cusum": self._cusum,
        }  # fmt: skip

    def condition(self) -> Node:
        """The whole text as a condition."""
        node = self._or()
        if self._peek().kind != "end":
            raise self._wrong(self._peek(), "expected the end, 'and' or 'or'")
        return node

    def amount(self) -> Node:
        """The whole text as a number."""
        node = self._number()
        if self._peek().kind != "end":
            raise self._wrong(self._peek(), "expected the end")
        return node

    def _tokenise(self, text: str) -> Iterator[_Token]:
        position, end = 0, len(text.rstrip())
        while position < end:
            match = TOKEN.match(text, position)
            if match is None:
                start = position + len(text[position:]) - len(text[position:].lstrip())
                raise self._wrong(_Token("symbol", text[start : start + 10], start), "this is not understood")
            kind = "number" if match[1] else "name" if match[2] else "symbol"
            yield _Token(kind, match[1] or match[2] or match[3], match.start(match.lastindex or 0))
            position = match.end()
        yield _Token("end", "", end)

    def _wrong(self, token: _Token, message: str) -> RuleError:
        before = self._text[: token.offset]
        line, column = before.count("\n") + 1, token.offset - before.rfind("\n")
        return RuleError(f"line {line}, column {column}: {message}, found {token.text or 'the end'!r}")

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _accept(self, text: str) -> bool:
        if self._peek().kind != "end" and self._peek().text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._wrong(self._peek(), f"expected {text!r}")

    def _or(self) -> Node:
        return self._joined(self._and, "or", every=False)

    def _and(self) -> Node:
        return self._joined(self._not, "and", every=True)

    def _joined(self, part: Callable[[], Node], word: str, *, every: bool) -> Node:
        parts = [part()]
        while self._accept(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else tree.Junction(every, tuple(parts))

    def _not(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(self._peek(), f"more than {DEEPEST} levels deep")
        found = tree.Negation(self._not()) if self._accept("not") else self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Node:
        start = self._peek()
        if start.text == "(" and self._bracket_is_logic():
            self._at += 1
            inner = self._or()
            self._expect(")")
            return inner
        if start.text in ("code", "missing"):
            self._at += 1
            return self._code() if start.text == "code" else self._missing()
        left = self._sum()
        operator = self._peek()
        if operator.kind != "symbol" or operator.text not in COMPARISONS:
            return self._as_logic(left, start)
        self._at += 1
        return self._compared(left, operator, self._sum())

    def _bracket_is_logic(self) -> bool:
        """A bracket is logic unless arithmetic or a comparison goes on after it."""
        depth = 0
        for token in self._tokens[self._at :]:
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                after = self._tokens[self._tokens.index(token, self._at) + 1]
                return (after.text not in COMPARISONS and after.text not in "+-*/") or after.kind == "end"
        return True

    def _code(self) -> tree.Code:
        self._expect("(")
        name = self._next()
        if name.text not in self._concepts:
            raise self._wrong(name, "no code means this concept")
        self._expect(")")
        return tree.Code(name.text, self._concepts[name.text])

    def _missing(self) -> Node:
        self._expect("(")
        of: tree.Code | tree.Flag | tree.Held = self._code() if self._accept("code") else self._any_signal()
        return tree.Missing(of, self._window_end())

    def _any_signal(self) -> tree.Flag | tree.Held:
        token = self._next()
        signal = self._kind.signal(token.text)
        if signal is None:
            raise self._wrong(token, f"expected a signal of {self._kind.name}")
        return tree.Flag(signal.name) if signal.type is SignalType.BOOL else tree.Held(signal.name)

    def _as_logic(self, operand: _Operand, start: _Token) -> Node:
        if operand.word is not None:
            raise self._wrong(operand.word, f"{self._kind.name} has no such signal")
        if operand.signal is None or operand.signal.type is not SignalType.BOOL:
            raise self._wrong(start, "a condition is a yes/no signal or a comparison")
        return tree.Flag(operand.signal.name)

    def _compared(self, left: _Operand, operator: _Token, right: _Operand) -> Node:
        for one, other in ((left, right), (right, left)):
            if one.signal is not None and one.signal.type is SignalType.ENUM:
                if operator.text not in ("==", "!="):
                    raise self._wrong(operator, f"{one.signal.name} is compared with == or !=")
                same = other.signal is not None and other.signal.values == one.signal.values
                return tree.Comparison(operator.text, one.node, other.node if same else self._value(one.signal, other))
        return tree.Comparison(operator.text, self._numeric(left, operator), self._numeric(right, operator))

    def _value(self, signal: Signal, operand: _Operand) -> Node:
        """The code of a word that names one of the signal's values."""
        values = dict(signal.values or {})
        code = next((c for c, name in values.items() if operand.word and name == operand.word.text), None)
        if code is None:
            raise self._wrong(
                operand.word or self._tokens[self._at - 1], f"expected one of {', '.join(values.values())}"
            )
        return tree.Constant(float(code))

    def _number(self) -> Node:
        start = self._peek()
        return self._numeric(self._sum(), start)

    def _numeric(self, operand: _Operand, at: _Token) -> Node:
        if operand.word is not None:
            raise self._wrong(operand.word, f"{self._kind.name} has no such signal")
        if operand.signal is not None and operand.signal.type in (SignalType.BOOL, SignalType.ENUM):
            raise self._wrong(at, f"{operand.signal.name} is no number")
        return operand.node

    def _sum(self) -> _Operand:
        return self._chain(self._term, ("+", "-"))

    def _term(self) -> _Operand:
        return self._chain(self._factor, ("*", "/"))

    def _chain(self, part: Callable[[], _Operand], operators: tuple[str, str]) -> _Operand:
        left = part()
        while self._peek().kind == "symbol" and self._peek().text in operators:
            operator = self._next()
            one, other = self._numeric(left, operator), self._numeric(part(), operator)
            left = _Operand(tree.Arithmetic(operator.text, one, other))
        return left

    def _factor(self) -> _Operand:
        token = self._next()
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(token, f"more than {DEEPEST} levels deep")
        found = self._factor_of(token)
        self._depth -= 1
        return found

    def _factor_of(self, token: _Token) -> _Operand:
        if token.kind == "number":
            return _Operand(tree.Constant(float(token.text)))
        if token.text == "-":
            start = self._peek()
            inner = self._numeric(self._factor(), start)
            return _Operand(tree.Arithmetic("-", tree.Constant(0.0), inner))
        if token.text == "(":
            operand = self._sum()
            self._expect(")")
            return operand
        if token.kind == "name" and token.text in self._functions and self._peek().text == "(":
            self._at += 1
            return _Operand(self._functions[token.text](token))
        if token.kind == "name" and token.text not in WORDS:
            return self._name(token)
        raise self._wrong(token, "expected a number, a signal or a bracket")

    def _abs(self, _: _Token) -> Node:
        inner = self._number()
        self._expect(")")
        return tree.Arithmetic("abs", inner, tree.Constant(0.0))

    def _extreme(self, name: _Token) -> Node:
        parts = [self._number()]
        while self._accept(","):
            parts.append(self._number())
        self._expect(")")
        return tree.Extreme(name.text == "max", tuple(parts))

    def _parameter(self, function: _Token) -> Node:
        name = self._next()
        self._expect(",")
        negative = self._accept("-")
        default = self._next()
        if name.kind != "name" or default.kind != "number":
            raise self._wrong(default, f"expected {function.text}(name, default)")
        self._expect(")")
        value = float(default.text)
        return tree.Parameter(Source(function.text), name.text, -value if negative else value)

    def _changes(self, _: _Token) -> Node:
        return tree.Window(Measure.CHANGES, self._any_signal(), self._window_end())

    def _counted(self, name: _Token) -> Node:
        inner = self._or()
        self._flat(inner, name)
        return tree.Window(Measure(name.text), inner, self._window_end())

    def _measured(self, name: _Token) -> Node:
        inner = self._number()
        self._flat(inner, name)
        return tree.Window(Measure(name.text), inner, self._window_end())

    def _cusum(self, name: _Token) -> Node:
        parts = [self._number()]
        for _ in range(2):
            self._expect(",")
            parts.append(self._number())
        self._expect(")")
        for part in parts:
            self._flat(part, name)
        return tree.Cusum(*parts)

    def _flat(self, inner: Node, name: _Token) -> None:
        if any(isinstance(node, tree.STATEFUL) for node in tree.walk(inner)):
            raise self._wrong(name, "a window cannot look at another window")

    def _window_end(self) -> float:
        self._expect(",")
        seconds = self._next()
        if seconds.kind != "number" or not 0 < float(seconds.text) <= LONGEST_WINDOW_SECONDS:
            raise self._wrong(seconds, "expected a number of seconds, above 0 and at most 31 days")
        self._expect(")")
        return float(seconds.text)

    def _name(self, token: _Token) -> _Operand:
        signal = self._kind.signal(token.text)
        if signal is None:
            return _Operand(tree.Constant(float("nan")), word=token)
        if signal.type is SignalType.TEXT:
            raise self._wrong(token, "a text cannot be judged")
        return _Operand(tree.Held(signal.name), signal=signal)
