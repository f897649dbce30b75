"""The guide in ``docs`` is the one that the catalogue makes."""

from __future__ import annotations

from pathlib import Path

from equipment.catalogue.load import load_catalogue
from ingest.device_guide import device_guide
from ingest.model import Reason

GUIDE = Path(__file__).parents[2] / "docs" / "devices.md"


def test_the_committed_guide_is_the_catalogues() -> None:
    assert GUIDE.read_text(encoding="utf-8") == device_guide(), "run: teshe catalogue --guide > docs/devices.md"


def test_every_signal_and_every_reason_is_in_it() -> None:
    text = device_guide()
    for kind in load_catalogue().measured:
        assert all(f"| `{signal.name}` |" in text for signal in kind.signals)
    assert all(f"`{reason.value}`" in text for reason in Reason)
