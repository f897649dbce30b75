"""Errors of the registry room, drawn by whose fault they are.

::

    EquipmentError
    ├── EquipmentInputError           the caller's; the message says what to do
    │   ├── CatalogueError
    │   ├── UnknownUnitError
    │   ├── InvalidCodeError
    │   └── CorrectionError
    └── AccessError
        ├── LoginRefusedError         wrong name or password
        ├── LoginLockedError          too many wrong passwords
        └── OutOfScopeError
"""


class EquipmentError(Exception):
    """Root of the errors of this package."""


class EquipmentInputError(EquipmentError):
    """Something given to us is wrong."""


class CatalogueError(EquipmentInputError):
    """The signal catalogue has a mistake; the message names the place."""


class UnknownUnitError(EquipmentInputError):
    """No such unit, or not visible to whoever asks: the two are not told apart."""


class InvalidCodeError(EquipmentInputError):
    """A code has a wrong length, alphabet or check character."""


class CorrectionError(EquipmentInputError):
    """The accident entry was corrected already, or does not exist."""


class AccessError(EquipmentError):
    """Who asks may not."""


class LoginRefusedError(AccessError):
    """账号或密码错误: not said which."""


class LoginLockedError(AccessError):
    """账号已锁定: too many wrong passwords; the message says until when."""


class OutOfScopeError(AccessError):
    """The account has no scope it could act in."""
