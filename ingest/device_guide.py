"""The device guide (``docs/devices.md``), made from the signal catalogue and the code lists, so that it cannot differ."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from ingest.codes.lists import code_lists, concepts
from ingest.model import Reason

TYPES = {
    SignalType.BOOL: "true / false",
    SignalType.INT: "integer",
    SignalType.FLOAT: "number",
    SignalType.ENUM: "code",
    SignalType.TEXT: "text",
}


def device_guide() -> str:
    """The whole guide as Markdown."""
    contract = (files("ingest") / "device_contract.md").read_text(encoding="utf-8")
    return "\n".join([contract.rstrip(), "", *_reasons(), *_signals(), *_codes()]) + "\n"


def _reasons() -> Iterator[str]:
    yield "## Reasons of the quarantine 隔离原因"
    yield ""
    yield from (f"- `{reason.value}`" for reason in Reason)
    yield ""


def _signals() -> Iterator[str]:
    yield "## Signals 信号"
    yield ""
    for kind in load_catalogue().measured:
        yield f"### {kind.zh} `{kind.name}` ({kind.en})"
        yield ""
        yield from _table(kind)
        yield ""


def _table(kind: Kind) -> Iterator[str]:
    yield "| signal | 名称 | name | type | unit | limits | held for |"
    yield "|---|---|---|---|---|---|---|"
    for s in kind.signals:
        yield (
            f"| `{s.name}` | {s.zh} | {s.en} | {TYPES[s.type]} | {s.unit} | {_limits(s)} | {s.stale_after_seconds:g} s |"
        )


def _limits(signal: Signal) -> str:
    if signal.values:
        return ", ".join(f"{code} {name}" for code, name in signal.values.items())
    if signal.max_length is not None:
        return f"at most {signal.max_length} characters"
    if signal.minimum is None or signal.maximum is None:
        return ""
    return f"{signal.minimum:g} … {signal.maximum:g}"


def _codes() -> Iterator[str]:
    yield "## Code lists 故障代码表"
    yield ""
    known = concepts()
    for name, codes in code_lists().items():
        yield f"### `{name}`"
        yield ""
        yield "| code | 含义 | meaning |"
        yield "|---|---|---|"
        for code, concept in codes.items():
            zh, en = (known[concept].zh, known[concept].en) if concept else ("无故障", "no fault")
            yield f"| `{code}` | {zh} | {en} |"
        yield ""
