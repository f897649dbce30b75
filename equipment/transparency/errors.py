"""Errors of the tamper-evident log.

::

    EquipmentError
    ├── InvalidKeyError        the caller's: a key that is none, or of an unknown algorithm
    ├── NotInLogError          nothing of that name has a position (yet)
    └── LogDamagedError        the world's: what the log says does not hold; names the first bad entry
"""

from equipment.errors import EquipmentError, EquipmentInputError


class InvalidKeyError(EquipmentInputError):
    """The key is none, or its algorithm is not known here."""


class NotInLogError(EquipmentInputError):
    """Nothing of that name stands in the log (yet)."""


class LogDamagedError(EquipmentError):
    """The log, a checkpoint or a proof does not hold; the message names the place."""
