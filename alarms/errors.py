"""Errors of the alarm room, drawn by whose fault they are.

::

    AlarmsError
    ├── AlarmsInputError             the caller's; the message says what to do
    │   ├── RuleError                a rule or its condition has a mistake, with its place
    │   ├── CauseError               what groups and inhibits alarms has a mistake
    │   ├── BacktestError            a back-test that cannot be run as it is asked
    │   ├── TrustError               a decision about a model of device lacks what makes it valid
    │   ├── UnknownAlarmError
    │   ├── UnknownIncidentError
    │   ├── UnknownCallError         no such call on the line
    │   ├── TransitionError          this state does not allow that event
    │   ├── AssigneeError            nobody who looks after that unit
    │   ├── ShelfError               it may not be muted like that, or not for so long
    │   ├── ImpossibleOrderError     a milestone before the one it follows
    │   └── ConflictError            somebody else was first
    ├── PagingError                  a notification did not go: it is tried again
    ├── ReplayFailedError            a process of a back-test failed: run it again
    └── StateFormatError             a checkpoint of another format: state is rebuilt from the log
"""


class AlarmsError(Exception):
    """Root of the errors of this package."""


class AlarmsInputError(AlarmsError):
    """Something given to us is wrong."""


class RuleError(AlarmsInputError):
    """A rule has a mistake; the message names the place."""


class CauseError(AlarmsInputError):
    """What groups and inhibits alarms has a mistake; the message names it."""


class BacktestError(AlarmsInputError):
    """A back-test cannot be run as it is asked; the message says what to do."""


class TrustError(AlarmsInputError):
    """A decision about a model of device lacks what makes it valid; the message says what."""


class UnknownAlarmError(AlarmsInputError):
    """No such alarm, or not visible to whoever asks."""


class UnknownIncidentError(AlarmsInputError):
    """No such incident, or not visible to whoever asks."""


class UnknownCallError(AlarmsInputError):
    """No such call on the line, or not visible to whoever asks."""


class TransitionError(AlarmsInputError):
    """The state does not allow the event; the message says what it allows."""


class ShelfError(AlarmsInputError):
    """An alarm may not be muted like that, or not for so long; the message says how it may be."""


class AssigneeError(AlarmsInputError):
    """An alarm cannot be given to that account or organisation."""


class ImpossibleOrderError(AlarmsInputError):
    """A milestone would lie before the one it follows."""


class ConflictError(AlarmsInputError):
    """Somebody else changed it first; the message says who and when."""


class StateFormatError(AlarmsError):
    """Saved rule state of a format that this version does not read."""


class PagingError(AlarmsError):
    """A notification was not taken by its provider; the message says why."""


class ReplayFailedError(AlarmsError):
    """A process of a back-test failed; the message is its own."""
