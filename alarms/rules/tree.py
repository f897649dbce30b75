"""What a condition is once it is understood: a tree of values.

Every node is a frozen value with a hash, so that two rules that say the same thing share its evaluation. Numbers are
NaN where unknown; logic has three values: true, false and unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Constant:
    """A number as written."""

    value: float


@dataclass(frozen=True, slots=True)
class Held:
    """The held value of a signal."""

    signal: str


class Source(Enum):
    """Where a dynamic limit comes from."""

    UNIT = "param"
    """The unit's own technical parameters."""
    DISTRICT = "setting"
    """The settings of the unit's district; the nearest jurisdiction above the unit decides."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A limit that differs between units, with what holds where none is recorded."""

    source: Source
    name: str
    default: float


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left operator right``; the operator is one of + - * / and ``abs`` (of left)."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Extreme:
    """The least or the greatest of some numbers; unknown where one of them is."""

    greatest: bool
    parts: tuple[Node, ...]


class Measure(Enum):
    """What a window is asked."""

    MEAN = "mean_over"
    LEAST = "min_over"
    GREATEST = "max_over"
    RATE = "rate"
    """Change per second between the first and the newest value in the window."""
    CHANGES = "changes"
    """How often the value changed."""
    COUNT = "count"
    """In how many samples the condition held."""
    RISES = "rises"
    """How often the condition became true."""


COUNTED = frozenset({Measure.CHANGES, Measure.COUNT, Measure.RISES})


@dataclass(frozen=True, slots=True)
class Window:
    """A measure of the samples of the last ``seconds`` [s]."""

    measure: Measure
    of: Node
    seconds: float


@dataclass(frozen=True, slots=True)
class Cusum:
    """Upper cumulative sum: ``s = max(0, s + value - reference - slack)`` at each sample that carries the value."""

    of: Node
    reference: Node
    slack: Node


@dataclass(frozen=True, slots=True)
class Flag:
    """A yes/no signal."""

    signal: str


@dataclass(frozen=True, slots=True)
class Code:
    """Whether a concept's code is active."""

    concept: str
    bit: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``; the operator is one of < <= > >= == !=."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negation:
    """Not; unknown stays unknown."""

    of: Node


@dataclass(frozen=True, slots=True)
class Junction:
    """And, or: false wins over unknown in an and, true wins over unknown in an or."""

    every: bool
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """No value of a signal, or no code of a concept, for ``seconds`` [s] while the unit goes on sending."""

    of: Held | Flag | Code
    seconds: float


Node = (
    Constant | Held | Parameter | Arithmetic | Extreme | Window | Cusum
    | Flag | Code | Comparison | Negation | Junction | Missing
)  # fmt: skip
STATEFUL = (Window, Cusum, Missing)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case Constant() | Held() | Parameter() | Flag() | Code():
            return ()
        case Arithmetic() | Comparison():
            return (node.left, node.right)
        case Extreme() | Junction():
            return node.parts
        case Window() | Negation() | Missing():
            return (node.of,)
        case Cusum():
            return (node.of, node.reference, node.slack)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def relaxed(node: Node, deadband: float, holds: bool = True) -> Node:
    """The condition as it must fail for an alarm to end: every limit moved by ``deadband`` to the safe side.

    >>> relaxed(Comparison(">", Held("t"), Constant(40.0)), 3.0)
    Comparison(operator='>', left=Held(signal='t'), right=Arithmetic(operator='-', left=Constant(value=40.0), right=Constant(value=3.0)))
    """
    match node:
        case Comparison(operator, left, right) if operator in ("<", "<=", ">", ">="):
            lower = (operator in (">", ">=")) is holds
            return Comparison(operator, left, Arithmetic("-" if lower else "+", right, Constant(deadband)))
        case Negation(of):
            return Negation(relaxed(of, deadband, not holds))
        case Junction(every, parts):
            return Junction(every, tuple(relaxed(part, deadband, holds) for part in parts))
        case _:
            return node


def spell(node: Node) -> str:
    """A node in the words of the language; the same node is always spelled the same.

    >>> spell(Window(Measure.RISES, Negation(Flag("door_closed")), 120.0))
    'rises(not door_closed, 120)'
    """
    match node:
        case Constant(value):
            return f"{value:g}"
        case Held(signal) | Flag(signal):
            return signal
        case Parameter(source, name, default):
            return f"{source.value}({name}, {default:g})"
        case Arithmetic("abs", left, _):
            return f"abs({spell(left)})"
        case Arithmetic(operator, left, right) | Comparison(operator, left, right):
            return f"({spell(left)} {operator} {spell(right)})"
        case Extreme(greatest, parts):
            return f"{'max' if greatest else 'min'}({', '.join(map(spell, parts))})"
        case Window(measure, of, seconds):
            return f"{measure.value}({spell(of)}, {seconds:g})"
        case Cusum(of, reference, slack):
            return f"cusum({spell(of)}, {spell(reference)}, {spell(slack)})"
        case Code(concept, _):
            return f"code({concept})"
        case Negation(of):
            return f"not {spell(of)}"
        case Junction(every, parts):
            return f"({(' and ' if every else ' or ').join(map(spell, parts))})"
        case Missing(of, seconds):
            return f"missing({spell(of)}, {seconds:g})"
