"""Topics: ``spBv1.0/{group}/{type}/{node}[/{device}]`` and ``spBv1.0/STATE/{host}``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ingest.errors import PayloadError
from ingest.model import Reason

NAMESPACE = "spBv1.0"
FILTER = f"{NAMESPACE}/#"
NODE_PARTS = 4
DEVICE_PARTS = 5


class Kind(Enum):
    """What a message says. Commands (NCMD, DCMD) are our own; STATE is a host's."""

    NBIRTH = "NBIRTH"
    NDEATH = "NDEATH"
    DBIRTH = "DBIRTH"
    DDEATH = "DDEATH"
    NDATA = "NDATA"
    DDATA = "DDATA"
    NCMD = "NCMD"
    DCMD = "DCMD"
    STATE = "STATE"


OF_A_DEVICE = frozenset({Kind.DBIRTH, Kind.DDEATH, Kind.DDATA, Kind.DCMD})


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart; ``device`` is empty when the node speaks of itself."""

    group: str
    kind: Kind
    node: str
    device: str = ""

    @property
    def gateway_id(self) -> str:
        """The edge node as a gateway."""
        return f"{self.group}/{self.node}"


def command_topic(group: str, node: str) -> str:
    """Where an edge node listens for commands."""
    return f"{NAMESPACE}/{group}/{Kind.NCMD.value}/{node}"


def state_topic(host: str) -> str:
    """Where a host says whether it is there."""
    return f"{NAMESPACE}/{Kind.STATE.value}/{host}"


def read_topic(text: str) -> Topic:
    """Take a topic apart.

    Raises
    ------
    PayloadError
        ``bad_topic``
    """
    parts = text.split("/")
    if len(parts) == NODE_PARTS - 1 and parts[0] == NAMESPACE and parts[1] == Kind.STATE.value:
        return Topic("", Kind.STATE, parts[2])
    kind = next((kind for kind in Kind if len(parts) > 2 and kind.value == parts[2]), None)
    expected = DEVICE_PARTS if kind in OF_A_DEVICE else NODE_PARTS
    if kind is None or parts[0] != NAMESPACE or len(parts) != expected or not all(parts):
        raise PayloadError(
            Reason.BAD_TOPIC.value, f"{text!r} is not {NAMESPACE}/{{group}}/{{type}}/{{node}}[/{{device}}]"
        )
    return Topic(parts[1], kind, parts[3], parts[4] if len(parts) == DEVICE_PARTS else "")
