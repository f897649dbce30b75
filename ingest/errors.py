"""Errors of the ingest room, drawn by whose fault they are.

::

    IngestError
    ├── IngestInputError           the caller's
    │   ├── PayloadError
    │   ├── CodeListError
    │   ├── GatewayError
    │   ├── CallError
    │   ├── ImportFileError
    │   └── QuarantineError
    ├── BridgeLinkError            the broker did not take over what the bridge republished
    ├── LeaseError
    │   ├── LeaseLostError         another worker owns the shard now
    │   └── SubscriptionRefusedError
"""


class IngestError(Exception):
    """Root of the errors of this package."""


class IngestInputError(IngestError):
    """Something given to us is wrong; the message says what to do."""


class PayloadError(IngestInputError):
    """A message or sample cannot be taken as it is; goes to quarantine with ``reason``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class CodeListError(IngestInputError):
    """A code list file has a mistake."""


class GatewayError(IngestInputError):
    """A gateway or one of its units does not exist."""


class CallError(IngestInputError):
    """A call record cannot be right."""


class ImportFileError(IngestInputError):
    """A file cannot be read as a table of calls."""


class QuarantineError(IngestInputError):
    """An entry of the quarantine does not exist or cannot be replayed."""


class BridgeLinkError(IngestError):
    """The broker did not take over what the bridge republished; nothing of it was acknowledged to its source."""


class LeaseError(IngestError):
    """The worker may not go on with a shard."""


class LeaseLostError(LeaseError):
    """Another worker has taken the shard over; nothing of the batch was stored."""


class SubscriptionRefusedError(LeaseError):
    """The broker refused a shard's subscription: its limits or permissions must be mended."""
