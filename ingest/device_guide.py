"""The device guide (``docs/devices.md``), made from the catalogue, code lists and signal codings, so that it cannot differ."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from ingest.codes.lists import code_lists, concepts
from ingest.codes.profiles import CodeField, Target, profiles
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
    return "\n".join([contract.rstrip(), "", *_reasons(), *_signals(), *_codes(), *_profiles()]) + "\n"


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
    yield "Marks: V the source was read, V-code read in public code or data of third parties, P one source only. A code without a meaning here is kept, shown and counted, and no rule judges it."
    yield ""
    known = concepts()
    for codes in code_lists().values():
        yield f"### `{codes.name}` {codes.zh}"
        yield ""
        yield f"{codes.en}."
        yield ""
        yield "| code | 名称 | meaning | class | mark |"
        yield "|---|---|---|---|---|"
        for code, entry in codes.codes.items():
            concept = known[entry.concept] if entry.concept else None
            en = concept.en if concept else "no fault" if entry.normal else "not mapped"
            yield f"| `{code}` | {entry.zh} | {en} | {concept.family if concept else ''} | {entry.mark} |"
        yield ""


def _profiles() -> Iterator[str]:
    yield "## Signal codings 信号编码约定"
    yield ""
    yield "How the fields of a source become signals. A value that is not listed counts as unknown, and is kept and shown."
    yield ""
    for profile in profiles().values():
        yield f"### `{profile.name}` {profile.zh}"
        yield ""
        yield f"{profile.en}; kind `{profile.kind}`, codes of `{profile.code_list}`, mark {profile.mark}."
        yield ""
        yield "| field | signal | value |"
        yield "|---|---|---|"
        for name, targets in profile.fields.items():
            yield from (f"| `{name}` | `{target.signal.name}` | {_coding(target)} |" for target in targets)
        yield from (f"| `{name}` | codes | {_code_map(source)} |" for name, source in profile.codes.items())
        yield ""


def _coding(target: Target) -> str:
    if target.coding is not None:
        return ", ".join(f"{theirs} → {_word(target, ours)}" for theirs, ours in target.coding.items())
    words = [f"× {target.factor:g}"] if target.factor != 1.0 else []
    words += [f"{value} = not measured" for value in target.absent]
    return ", ".join(words) or "as it is"


def _word(target: Target, value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    return (target.signal.values or {}).get(value, str(value)) if isinstance(value, int) else str(value)


def _code_map(source: CodeField) -> str:
    if source.map is None:
        return "as it is"
    return ", ".join(
        f"{theirs} → {'says nothing' if codes is None else ' '.join(codes) or 'none active'}"
        for theirs, codes in source.map.items()
    )
