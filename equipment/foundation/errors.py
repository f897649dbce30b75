"""Errors of the plumbing, drawn by whose fault they are.

::

    FoundationError
    ├── InputError                 the caller's: a setting, a file, a name
    │   ├── UnknownQueryError
    │   ├── DuplicateQueryError
    │   ├── QueryFileError
    │   ├── NotMigratedError
    │   ├── MigrationChangedError
    │   ├── DataVersionError
    │   └── TableFileError
    ├── WorldError                 the world's: try again or repair it
    │   ├── DatabaseUnavailableError
    │   │   └── DatabaseBusyError
    │   ├── BrokerUnavailableError
    │   ├── StartFailedError
    │   ├── PortInUseError
    │   └── AlreadyRunningError
    └── BugError                   ours
        ├── WrongThreadError
        └── UnknownChildError
"""


class FoundationError(Exception):
    """Root of the errors of the plumbing."""


class InputError(FoundationError):
    """Something given to us is wrong; the message says what to do."""


class UnknownQueryError(InputError):
    """A query is asked for that its file does not have."""


class DuplicateQueryError(InputError):
    """Two queries of one file share a name."""


class QueryFileError(InputError):
    """A file of queries has text that belongs to no query, or a name nobody can ask for."""


class NotMigratedError(InputError):
    """The database lacks what ``teshe migrate`` makes."""


class MigrationChangedError(InputError):
    """A migration that was applied has another content now."""


class DataVersionError(InputError):
    """The data directory belongs to another major version of the server."""


class TableFileError(InputError):
    """A file is no table that can be read; the message says what to save it as."""


class WorldError(FoundationError):
    """Something outside does not answer."""


class DatabaseUnavailableError(WorldError):
    """The database does not answer or ended the connection."""


class DatabaseBusyError(DatabaseUnavailableError):
    """The transaction lost to another (deadlock, lock or time limit); the same again may succeed."""


class BrokerUnavailableError(WorldError):
    """The broker does not answer or refused us."""


class StartFailedError(WorldError):
    """A child process did not come up; the message carries the end of its log."""


class PortInUseError(WorldError):
    """The port that was asked for belongs to another program."""


class AlreadyRunningError(WorldError):
    """Another process uses this data directory."""


class BugError(FoundationError):
    """The program is used wrongly by itself."""


class WrongThreadError(BugError):
    """Children must be started from the main thread, or they die with the thread that started them."""


class UnknownChildError(BugError):
    """A process is asked for that was never started."""
