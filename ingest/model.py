"""What a message and a batch of samples are, and how a batch is judged.

A batch is columns, one set per kind of equipment, in order of arrival. Absent, unknown and invalid have no value: the
``valid`` mask says where a column carries one, ``unknown`` where the device said null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum, IntFlag
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from equipment.foundation.database import Connection

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


class Channel(IntEnum):
    """Last part of a topic. Numbers are stored: never reuse one."""

    TELEMETRY = 1
    EVENT = 2
    STATUS = 3


class Flag(IntFlag):
    """What is special about a stored sample. Bits are stored: never reuse one."""

    LATE = 1
    CLOCK_UNUSABLE = 2
    CLOCK_CORRECTED = 4
    RETROSPECTIVE = 8
    HISTORICAL = 16
    """Sent for the record (store and forward): never judged."""


class Reason(Enum):
    """Why something is in quarantine (隔离原因)."""

    BAD_TOPIC = "bad_topic"
    WRONG_SHARD = "wrong_shard"
    UNKNOWN_UNIT = "unknown_unit"
    NOT_MEASURED = "not_measured"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    EMPTY_ARRAY = "empty_array"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_SIGNAL = "unknown_signal"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIMESTAMP = "bad_timestamp"
    UNKNOWN_CODE_LIST = "unknown_code_list"
    CONFLICTING = "conflicting"
    NOTHING_MEASURED = "nothing_measured"
    TOO_OLD = "too_old"
    """Older than the samples that are kept: no rollup could take it in."""
    NOT_STORABLE = "not_storable"
    """The database refuses it, alone and twice: a defect of ours that must not hold up its neighbours."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One delivery from the broker.

    ``repeat``: the broker sent it again while the first copy is still unacknowledged.
    """

    topic: str
    payload: bytes
    received_at: datetime
    dup: bool
    retained: bool
    mid: int
    shard: int
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message or sample that is kept aside with its reason and its bytes."""

    message: Message
    reason: Reason
    detail: str
    samples: int = 1
    position: int = 0
    unit_id: str | None = None
    unit_no: int | None = None
    channel: str | None = None
    ts_us: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """上线 or 下线 of a terminal, from its status topic or its Will."""

    unit_no: int
    online: bool
    session: str | None
    at: datetime
    will: bool = False
    """Said by the broker for a terminal that is gone, not by the terminal."""
    retained: bool = False
    """A copy that the broker kept: old news."""


@dataclass(slots=True)
class Columns:
    """Samples of one kind as columns; every array has one entry per sample, in order of arrival.

    Times are microseconds since 1970 [µs]. ``code_bits``: one bit per concept of ``ingest.codes.CONCEPTS`` that the
    sample says is active, meaningful where ``codes_valid``. ``redelivery``: the broker marked the message as a repeat.
    """

    kind: str
    unit_no: npt.NDArray[np.int32]
    ts_us: IntArray
    channel: npt.NDArray[np.int16]
    seq: IntArray
    content: IntArray
    server_us: IntArray
    received_us: IntArray
    shard: npt.NDArray[np.int16]
    flags: npt.NDArray[np.int16]
    redelivery: BoolArray
    values: dict[str, npt.NDArray[np.generic]]
    valid: dict[str, BoolArray]
    unknown: dict[str, BoolArray]
    code_bits: IntArray
    codes_valid: BoolArray
    codes: list[tuple[str, tuple[str, ...]] | None]
    """Per sample the code list and the codes as sent, for the event table."""
    messages: list[Message]
    """Per sample the message it came in; empty for rows read back from the store."""
    positions: list[int]
    """Per sample its index inside the message's array."""

    def __len__(self) -> int:
        return len(self.unit_no)

    def take(self, index: npt.NDArray[np.intp]) -> Columns:
        """The samples at ``index``, in that order."""
        return Columns(
            kind=self.kind,
            unit_no=self.unit_no[index],
            ts_us=self.ts_us[index],
            channel=self.channel[index],
            seq=self.seq[index],
            content=self.content[index],
            server_us=self.server_us[index],
            received_us=self.received_us[index],
            shard=self.shard[index],
            flags=self.flags[index],
            redelivery=self.redelivery[index],
            values={name: column[index] for name, column in self.values.items()},
            valid={name: column[index] for name, column in self.valid.items()},
            unknown={name: column[index] for name, column in self.unknown.items()},
            code_bits=self.code_bits[index],
            codes_valid=self.codes_valid[index],
            codes=[self.codes[i] for i in index],
            messages=[self.messages[i] for i in index] if self.messages else [],
            positions=[self.positions[i] for i in index] if self.positions else [],
        )


Rows = dict[str, Columns]
"""Samples by kind."""


@dataclass(frozen=True, slots=True)
class BatchRef:
    """Which batch of which shard."""

    shard: int
    number: int


@dataclass(slots=True)
class Tally:
    """The delivery account of one shard in one batch, in samples: received = the four others."""

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    redelivered: int = 0
    late: int = 0

    @property
    def received(self) -> int:
        """All samples that arrived."""
        return self.stored + self.duplicates + self.quarantined + self.redelivered


@dataclass(slots=True)
class Decoded:
    """A batch of messages taken apart."""

    rows: Rows = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    statuses: list[StatusReport] = field(default_factory=list)
    repeats: dict[int, int] = field(default_factory=dict)
    """Samples of messages that the broker repeated while their first copy is pending, by shard."""


class Stage(Protocol):
    """Judges the rows of a batch inside the transaction that stores them.

    The stage keeps its state in memory and changes it while it judges. When the transaction fails, or its end is not
    known, the caller calls :meth:`acquire` again, which discards that state and recovers it from the database.
    """

    @property
    def rule_set(self) -> str:
        """Identity of the rules in force."""

    def acquire(self, conn: Connection, shards: Sequence[int], now: datetime) -> None:
        """Own exactly these shards: recover each from its checkpoint and the batches since."""

    def judge(self, conn: Connection, batches: Sequence[BatchRef], rows: Rows, now: datetime) -> None:
        """Judge rows that were really inserted, and write what follows."""

    def tick(self, conn: Connection, now: datetime) -> bool:
        """Let timers run out; False when nothing was due (and nothing was written)."""

    def due(self, now: datetime) -> bool:
        """Whether :meth:`tick` would have something to do."""

    def expect_repeats(self, until: datetime) -> None:
        """Until then the broker may repeat what was in flight: what belongs before it must still find its place."""

    def crowded(self, now: datetime) -> bool:
        """Whether so much was judged since the last checkpoint that the next should not wait for its time."""

    def rotate(self) -> None:
        """A new period between checkpoints begins."""

    def checkpoint(self, conn: Connection, shards: Sequence[int], now: datetime) -> None:
        """Save the state of these shards as it is after their newest batch."""


class NoStage:
    """A stage that judges nothing: for tests and measurements of the store alone."""

    @property
    def rule_set(self) -> str:
        """No rules."""
        return "none"

    def acquire(self, conn: Connection, shards: Sequence[int], now: datetime) -> None:
        """Nothing to recover."""

    def judge(self, conn: Connection, batches: Sequence[BatchRef], rows: Rows, now: datetime) -> None:
        """Nothing to judge."""

    def tick(self, conn: Connection, now: datetime) -> bool:
        """Nothing is ever due."""
        return False

    def due(self, now: datetime) -> bool:
        """Nothing is ever due."""
        return False

    def expect_repeats(self, until: datetime) -> None:
        """Nothing is kept."""

    def crowded(self, now: datetime) -> bool:
        """Nothing is kept."""
        return False

    def rotate(self) -> None:
        """Nothing is kept."""

    def checkpoint(self, conn: Connection, shards: Sequence[int], now: datetime) -> None:
        """Nothing to save."""
