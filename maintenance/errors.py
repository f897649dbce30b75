"""Errors of the maintenance room, drawn by whose fault they are.

::

    MaintenanceError
    ├── MaintenanceInputError          the caller's; the message says what to do
    │   ├── RecordError                a record cannot be right; names every field
    │   ├── UnknownRecordError
    │   ├── IdempotencyError           the same key with another content
    │   ├── SealError                  a firm's key or signature that does not hold
    │   ├── UnknownSealError
    │   ├── AnchorError                a time-stamp that does not hold, or was not given
    │   ├── AttachmentError            a photo that cannot be taken, and what to do
    │   ├── OffsetError                a piece of a photo does not follow what is there
    │   ├── UnknownAttachmentError
    │   ├── TemplateError              a manufacturer's template that cannot be; names every row
    │   ├── UnknownTemplateError
    │   ├── PaperError                 a switch from paper, or a scan, that may not be so
    │   ├── RetentionError             an erasure without a reason, or of what is gone
    │   ├── DutyError                  a daily list, report or minutes that cannot be filed so
    │   ├── PlanError                  an on-demand plan that may not be, and what is lacking
    │   ├── UnknownPlanError
    │   ├── UnknownFindingError
    │   ├── UnknownLeadError
    │   ├── UnknownHazardError
    │   ├── LedgerInputError           a filter or a setting of the ledger that cannot be
    │   ├── StepError                  this state does not allow that step
    │   └── MeanwhileError             somebody else was first
    └── DataError                      ours: a table of the package has a mistake
"""


class MaintenanceError(Exception):
    """Root of the errors of this package."""


class MaintenanceInputError(MaintenanceError):
    """Something given to us is wrong."""


class RecordError(MaintenanceInputError):
    """A record cannot be right; ``problems`` names every field with its reason."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in problems))
        self.problems = problems


class UnknownRecordError(MaintenanceInputError):
    """No such record, or not visible to whoever asks."""


class IdempotencyError(MaintenanceInputError):
    """The key was used for another record: send corrections under a new key."""


class SealError(MaintenanceInputError):
    """The firm's key is unknown or revoked, or its signature is not over this record."""


class UnknownSealError(MaintenanceInputError):
    """No such seal of a day, or not visible to whoever asks."""


class AnchorError(MaintenanceInputError):
    """A time-stamp that does not hold, or that the authority did not give."""


class AttachmentError(MaintenanceInputError):
    """Too large, of a type that is not taken, or not the bytes that its digest names."""


class OffsetError(MaintenanceInputError):
    """A piece does not follow what is there; ask how much is there and go on from it."""


class UnknownAttachmentError(MaintenanceInputError):
    """No such photo, or not visible to whoever asks."""


class TemplateError(RecordError):
    """A manufacturer's template cannot be so; ``problems`` names every row and column."""


class UnknownTemplateError(MaintenanceInputError):
    """No such template."""


class PaperError(MaintenanceInputError):
    """The switch from paper, or a scan of it, may not be so; says why."""


class RetentionError(MaintenanceInputError):
    """An erasure needs a reason, and happens once."""


class DutyError(MaintenanceInputError):
    """A daily list, weekly report or minutes cannot be filed so; says what is missing."""


class PlanError(MaintenanceInputError):
    """The plan may not be, or not in this state; says what is lacking."""


class UnknownPlanError(MaintenanceInputError):
    """No such plan, or not visible to whoever asks."""


class UnknownFindingError(MaintenanceInputError):
    """No such finding, or not visible to whoever asks."""


class UnknownLeadError(MaintenanceInputError):
    """No such lead, or not visible to whoever asks."""


class UnknownHazardError(MaintenanceInputError):
    """No such hazard, or not visible to whoever asks."""


class LedgerInputError(MaintenanceInputError):
    """A filter or a setting of the ledger that cannot be; the message names what can."""


class StepError(MaintenanceInputError):
    """The state does not allow the step, or what it needs is missing."""


class MeanwhileError(MaintenanceInputError):
    """Somebody else changed it first."""


class DataError(MaintenanceError):
    """A table of the package has a mistake."""
