"""All conditions of a kind as one list of numpy steps; what several rules ask is computed once.

A number is an array of float64 with NaN where unknown. Logic is two masks: where it is true and where it is false;
unknown is neither. A step reads earlier registers and writes its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alarms.rules import tree
from alarms.rules.model import Rule
from alarms.rules.tree import Node

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Logic:
    """Where something is true and where it is false; elsewhere it is unknown."""

    true: Mask
    false: Mask


Leaves = tuple[tree.Held | tree.Flag | tree.Code, ...]
Register = Any
"""Numbers or Logic."""


class View(Protocol):
    """What steps ask, for some samples in one order."""

    def held(self, signal: str) -> Numbers:
        """Held values, NaN where never heard, stale or unknown."""

    def parameter(self, node: tree.Parameter) -> Numbers:
        """A dynamic limit of each unit."""

    def code(self, bit: int) -> Logic:
        """Whether the concept is active."""

    def heard(self, leaves: Leaves) -> Mask | None:
        """Where any of these signals or code lists was ever said; None: everywhere."""

    def window(self, node: tree.Window | tree.Cusum | tree.Missing, inputs: Sequence[Register]) -> Register:
        """What a node with a memory says."""


LOGICAL = tree.Flag | tree.Code | tree.Comparison | tree.Negation | tree.Junction | tree.Missing
Step = Callable[[list[Register], View], Register]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Registers of one rule; None where it has no such condition."""

    condition: int | None
    clear: int | None
    """True where the alarm may end: registers of a condition that must be *false* carry ``clear_when_false``."""
    clear_when_false: bool
    suppress: int | None
    repeated: int | None
    """True where the condition began often enough."""
    escalate: tuple[tuple[int, int], ...]
    """Level and register of each step that waits for a condition."""
    evidence: tuple[tuple[str, int, str | None], ...]
    """Label, register and signal of what is told."""
    looked: tuple[int, ...]
    """All registers that what is told needs, in order."""


class Program:
    """The steps of some rules of one kind."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._index: dict[Node, int] = {}
        self.nodes: list[Node] = []
        self._steps: list[Step] = []
        self._rules = tuple(rules)
        self.outputs = tuple(self._compile(rule) for rule in rules)
        self._needs = tuple(self._below(outputs) for outputs in self.outputs)

    @property
    def stateful(self) -> tuple[tree.Window | tree.Cusum | tree.Missing, ...]:
        """Nodes with a memory, each once."""
        return tuple(n for n in self.nodes if isinstance(n, tree.Window | tree.Cusum | tree.Missing))

    @property
    def parameters(self) -> tuple[tree.Parameter, ...]:
        """Dynamic limits, each once."""
        return tuple(n for n in self.nodes if isinstance(n, tree.Parameter))

    def resume(self, registers: list[Register], view: View) -> None:
        """Compute the registers that are not there yet, in order."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for step in self._steps[len(registers) :]:
                registers.append(step(registers, view))

    def rules_of(self, register: int) -> list[Rule]:
        """The rules that need a register."""
        return [rule for rule, needed in zip(self._rules, self._needs, strict=True) if register in needed]

    def unknown(self, register: int, count: int) -> Register:
        """What a register says when its step fails."""
        if isinstance(self.nodes[register], LOGICAL):
            return Logic(np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_))
        return np.full(count, np.nan)

    def look(self, outputs: Outputs, view: View) -> list[Register]:
        """The registers that are told of a rule, and None elsewhere; nodes with a memory are read, not fed."""
        registers: list[Register] = [None] * len(self._steps)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for register in outputs.looked:
                registers[register] = self._steps[register](registers, view)
        return registers

    def condition_of(self, row: int, view: View) -> Logic:
        """What the condition of one rule says, where nodes with a memory are read."""
        register = self.outputs[row].condition
        registers: list[Register] = [None] * len(self._steps)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for needed in sorted(self._closure([] if register is None else [register])):
                registers[needed] = self._steps[needed](registers, view)
        nothing = np.zeros(1, dtype=np.bool_)
        found: Logic = Logic(nothing, nothing) if register is None else registers[register]
        return found

    def _closure(self, wanted: Iterable[int]) -> set[int]:
        """Registers with all that they are computed from."""
        needed: set[int] = set()
        stack = list(wanted)
        while stack:
            register = stack.pop()
            if register not in needed:
                needed.add(register)
                node = self.nodes[register]
                below = (tree.Held(node.signal),) if isinstance(node, tree.Flag) else tree.children(node)
                stack += [self._index[child] for child in below]
        return needed

    def _below(self, outputs: Outputs) -> set[int]:
        direct = (outputs.condition, outputs.clear, outputs.suppress, outputs.repeated)
        wanted = [r for r in direct if r is not None] + [r for _, r in outputs.escalate]
        return self._closure(wanted)

    def _compile(self, rule: Rule) -> Outputs:
        condition = None if rule.condition is None else self._add(rule.condition.tree)
        clear, when_false = condition, True
        if rule.clear is not None:
            clear, when_false = self._add(rule.clear.tree), False
        elif rule.condition is not None and rule.deadband:
            clear = self._add(tree.relaxed(rule.condition.tree, rule.deadband))
        repeated = None
        if rule.repetition is not None and rule.condition is not None:
            rises = tree.Window(tree.Measure.RISES, rule.condition.tree, rule.repetition.seconds)
            repeated = self._add(tree.Comparison(">=", rises, tree.Constant(float(rule.repetition.count))))
        suppress = None if rule.suppress_when is None else self._add(rule.suppress_when.tree)
        escalate = tuple((i + 1, self._add(e.when.tree)) for i, e in enumerate(rule.escalation) if e.when is not None)
        evidence = tuple(self._evidence(rule))
        told = [register for _, register, _ in evidence] + ([] if suppress is None else [suppress])
        looked = tuple(sorted(self._closure(told)))
        return Outputs(condition, clear, when_false, suppress, repeated, escalate, evidence, looked)

    def _evidence(self, rule: Rule) -> list[tuple[str, int, str | None]]:
        found: dict[str, tuple[int, str | None]] = {}
        for expression in (rule.condition, rule.clear):
            for node in tree.walk(expression.tree) if expression else ():
                if isinstance(node, tree.Held | tree.Flag):
                    found[node.signal] = (self._add(tree.Held(node.signal)), node.signal)
                elif isinstance(node, tree.Parameter):
                    found[f"{node.source.value}.{node.name}"] = (self._add(node), None)
                elif isinstance(node, tree.Window | tree.Cusum | tree.Code):
                    found[tree.spell(node)] = (self._add(node), None)
        return [(label, *place) for label, place in sorted(found.items())]

    def _add(self, node: Node) -> int:
        known = self._index.get(node)
        if known is not None:
            return known
        inputs = [self._add(child) for child in tree.children(node)]
        if isinstance(node, tree.Flag):
            inputs = [self._add(tree.Held(node.signal))]
        self.nodes.append(node)
        self._steps.append(_step(node, inputs))
        self._index[node] = len(self._steps) - 1
        return self._index[node]


def _step(node: Node, inputs: list[int]) -> Step:
    match node:
        case tree.Constant(value):
            constant = np.float64(value)
            return lambda _, __: constant
        case tree.Held(signal):
            return lambda _, view: view.held(signal)
        case tree.Parameter():
            return lambda _, view: view.parameter(node)
        case tree.Arithmetic(operator):
            return _arithmetic(operator, *inputs)
        case tree.Extreme(greatest, _):
            reduce = np.maximum if greatest else np.minimum
            return lambda registers, _: _fold(reduce, [registers[i] for i in inputs])
        case tree.Window() | tree.Cusum() | tree.Missing():
            return lambda registers, view: view.window(node, [registers[i] for i in inputs])
        case tree.Code(_, bit):
            return lambda _, view: view.code(bit)
        case tree.Flag():
            (flag,) = inputs
            return lambda registers, _: Logic(registers[flag] == 1.0, registers[flag] == 0.0)
        case tree.Comparison(operator, _, _):
            return _comparison(operator, *inputs)
        case tree.Negation():
            (inner,) = inputs
            return lambda registers, _: Logic(registers[inner].false, registers[inner].true)
        case tree.Junction(True, _):
            return _conjunction(inputs)
        case tree.Junction(_, parts):
            return _disjunction(inputs, [_leaves(part) for part in parts])


def _fold(operate: Callable[[Numbers, Numbers], Numbers], parts: Sequence[Numbers]) -> Numbers:
    result = parts[0]
    for part in parts[1:]:
        result = operate(result, part)
    return result


def _arithmetic(operator: str, left: int, right: int) -> Step:
    match operator:
        case "+":
            return lambda registers, _: registers[left] + registers[right]
        case "-":
            return lambda registers, _: registers[left] - registers[right]
        case "*":
            return lambda registers, _: registers[left] * registers[right]
        case "abs":
            return lambda registers, _: np.abs(registers[left])
        case _:
            return lambda registers, _: _finite(np.divide(registers[left], registers[right]))


def _finite(value: Numbers) -> Numbers:
    return np.where(np.isfinite(value), value, np.nan)


def _differ(a: Numbers, b: Numbers) -> Mask:
    """Known to differ: NaN does not."""
    differ: Mask = (a < b) | (a > b)
    return differ


COMPARISONS: dict[str, tuple[Callable[[Numbers, Numbers], Mask], Callable[[Numbers, Numbers], Mask]]] = {
    "<": (np.less, np.greater_equal),
    "<=": (np.less_equal, np.greater),
    ">": (np.greater, np.less_equal),
    ">=": (np.greater_equal, np.less),
    "==": (np.equal, _differ),
    "!=": (_differ, np.equal),
}
"""Where a comparison is true, and where it is false; with NaN neither holds."""


def _comparison(operator: str, left: int, right: int) -> Step:
    one, other = COMPARISONS[operator]

    def step(registers: list[Register], _: View) -> Logic:
        a, b = registers[left], registers[right]
        return Logic(one(a, b), other(a, b))

    return step


def _leaves(node: Node) -> Leaves:
    return tuple(n for n in tree.walk(node) if isinstance(n, tree.Held | tree.Flag | tree.Code))


def _conjunction(inputs: list[int]) -> Step:
    first, *others = inputs

    def conjunction(registers: list[Register], _: View) -> Logic:
        true, false = registers[first].true, registers[first].false
        for other in others:
            true, false = true & registers[other].true, false | registers[other].false
        return Logic(true, false)

    return conjunction


def _disjunction(inputs: list[int], leaves: list[Leaves]) -> Step:
    """An alternative of which the terminal has never said anything is left out, as long as another one is known.

    A terminal without code lists would otherwise never end an alarm of ``alarm_button or code(alarm_button)``, and so
    never raise it again.
    """

    def disjunction(registers: list[Register], view: View) -> Logic:
        true = known = np.zeros(1, dtype=np.bool_)
        false = np.ones(1, dtype=np.bool_)
        for register, asked in zip(inputs, leaves, strict=True):
            part, heard = registers[register], view.heard(asked)
            true, known = true | part.true, known | part.false
            false = false & (part.false if heard is None else part.false | ~heard)
        return Logic(true, false & known)

    return disjunction
