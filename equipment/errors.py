"""Errors of the registry room, drawn by whose fault they are.

::

    EquipmentError
    ├── EquipmentInputError           the caller's; the message says what to do
    │   ├── CatalogueError
    │   ├── UnknownUnitError
    │   ├── InvalidCodeError
    │   ├── InvalidUnitError          a value of a unit cannot be right
    │   ├── DuplicateCodeError        another unit or organisation has the code
    │   ├── ChangedMeanwhileError     somebody else changed it first
    │   ├── InvalidPeriodError        a period that cannot be, or no reason for it
    │   ├── UnknownOrganisationError
    │   ├── UnknownPersonError
    │   ├── UnknownHandoverError
    │   ├── UnknownContractError
    │   ├── UnknownFirmChangeError
    │   ├── FirmChangeStepError       not possible in this state
    │   ├── CorrectionError
    │   ├── ImportFileError           a file of units as a whole cannot be imported
    │   ├── UnknownImportError        no such import job, or not visible
    │   ├── ImportStateError          the job is not in a state that allows this
    │   ├── UnknownReconciliationError  no such open item of the work list
    │   ├── DecisionError             the item cannot be decided this way
    │   ├── InvalidAccidentError      a value of an accident cannot be right
    │   ├── UnknownAccidentError
    │   ├── UnknownCylinderError
    │   ├── UnknownTransferError      no such transfer of cylinders, or not visible
    │   ├── CylinderInputError        a fill, a cylinder or a movement cannot be right
    │   ├── CylinderStepError         the cylinder's state does not know the event
    │   ├── FillKeyError              an idempotency key was used for another call
    │   ├── NotAStationError          the organisation is no filling station
    │   ├── AccountInputError         an account cannot be made or changed this way
    │   ├── UnknownAccountError
    │   ├── UnknownCredentialError    no such credential of a terminal, or it holds no more
    │   ├── BundleError               a bundle of the other zone that is not taken, and why
    │   ├── LinkError                 the link between the zones is not set up this way
    │   ├── RetentionPeriodError      a period for which personal data may not be kept so
    │   └── WeakPasswordError
    └── AccessError
        ├── LoginRefusedError         wrong name or password
        ├── LoginLockedError          too many wrong passwords
        ├── SecondFactorNeededError   the password is right, a one-time code is missing
        ├── SecondFactorError         the second factor cannot be turned on this way
        ├── WebhookSignatureError     a delivery that does not prove who sent it
        ├── DownloadLinkError         a link that opens no file any more
        ├── OutgoingAddressError      an address that nothing is sent to
        ├── OutgoingFailedError       the world's: the other side was not reached
        └── OutOfScopeError           an account without a bound, or an act outside of it
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


class InvalidUnitError(EquipmentInputError):
    """A value of a unit cannot be right; the message names each."""


class DuplicateCodeError(EquipmentInputError):
    """设备代码, 救援识别码, 统一社会信用代码 or id is taken."""


class ChangedMeanwhileError(EquipmentInputError):
    """The unit was changed since the caller read it: read it again."""


class InvalidAccidentError(EquipmentInputError):
    """A value of an accident cannot be right, or something is missing; the message says what."""


class UnknownAccidentError(EquipmentInputError):
    """No such accident, or not visible to whoever asks."""


class WeakPasswordError(EquipmentInputError):
    """The password is too easy to guess."""


class AccountInputError(EquipmentInputError):
    """An account cannot be made or changed this way; the message says what to do."""


class UnknownAccountError(EquipmentInputError):
    """No such account, or not visible to whoever asks."""


class InvalidPeriodError(EquipmentInputError):
    """有效期 that ends before it begins, has no reason, or lacks what its attribute needs."""


class UnknownOrganisationError(EquipmentInputError):
    """No such organisation, or not visible to whoever asks."""


class UnknownPersonError(EquipmentInputError):
    """No such person, or not visible to whoever asks."""


class UnknownHandoverError(EquipmentInputError):
    """No such 移交 that waits for whoever asks."""


class UnknownContractError(EquipmentInputError):
    """No such contract, or not visible to the caller."""


class UnknownFirmChangeError(EquipmentInputError):
    """No such 维保变更, or not visible to whoever asks."""


class FirmChangeStepError(EquipmentInputError):
    """The 维保变更 is in a state in which this cannot happen, or another party has to do it."""


class CorrectionError(EquipmentInputError):
    """The accident entry was corrected already, or does not exist."""


class ImportFileError(EquipmentInputError):
    """The file as a whole cannot be imported; the message says what to change."""


class UnknownImportError(EquipmentInputError):
    """No such import job, or not visible to whoever asks."""


class ImportStateError(EquipmentInputError):
    """The job is in a state in which this cannot be done."""


class UnknownReconciliationError(EquipmentInputError):
    """No such item of the work list, or not visible to whoever asks."""


class DecisionError(EquipmentInputError):
    """An item of the work list cannot be decided this way; the message says how it can."""


class UnknownCylinderError(EquipmentInputError):
    """No such cylinder, or not visible to whoever asks."""


class UnknownTransferError(EquipmentInputError):
    """No such transfer of cylinders, or not visible to whoever asks."""


class CylinderInputError(EquipmentInputError):
    """A value of a cylinder, a fill or a movement cannot be right; the message names each."""


class CylinderStepError(EquipmentInputError):
    """The state of the cylinder does not allow the event."""


class FillKeyError(EquipmentInputError):
    """The idempotency key was used for another call."""


class NotAStationError(EquipmentInputError):
    """The organisation is not registered as a filling station (充装单位)."""


class AccessError(EquipmentError):
    """Who asks may not."""


class LoginRefusedError(AccessError):
    """账号或密码错误: not said which."""


class LoginLockedError(AccessError):
    """账号已锁定: too many wrong passwords; the message says until when."""


class OutOfScopeError(AccessError):
    """The account has no bound it could act in, or the act lies outside of it."""


class WebhookSignatureError(AccessError):
    """A delivery does not prove who sent it, or is too old."""


class DownloadLinkError(AccessError):
    """A link to a file cannot be made, or opens nothing any more."""


class OutgoingAddressError(AccessError):
    """An address to which nothing is sent, because it is malformed or lies inside."""


class OutgoingFailedError(AccessError):
    """The other side was not reached, or broke off."""


class UnknownCredentialError(EquipmentInputError):
    """No such credential of a terminal, not the asker's to manage, or it holds no more."""


class BundleError(EquipmentInputError):
    """A bundle of the other zone is damaged, not its, or not the next one."""


class LinkError(EquipmentInputError):
    """The link between the zones is not set up, or not so."""


class RetentionPeriodError(EquipmentInputError):
    """A class of personal data cannot be kept so long or so short, or no reason was given."""


class SecondFactorNeededError(AccessError):
    """The password is right; a one-time code is needed with it."""


class SecondFactorError(AccessError):
    """The second factor cannot be turned on this way; the message says what to do."""
