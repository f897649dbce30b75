"""Which error of the rooms below answers with which status: one table."""

from alarms import errors as alarms
from dashboards.indicators import errors as indicators
from equipment import errors as equipment
from equipment.transparency import errors as transparency
from ingest import errors as ingest
from maintenance import errors as maintenance

FAULTS: tuple[tuple[type[Exception], int, str], ...] = (
    (equipment.UnknownUnitError, 404, "No such unit"),
    (equipment.UnknownAccountError, 404, "No such account"),
    (equipment.UnknownCredentialError, 404, "No such credential"),
    (equipment.UnknownOrganisationError, 404, "No such organisation"),
    (equipment.UnknownPersonError, 404, "No such person"),
    (equipment.UnknownHandoverError, 404, "No such hand-over"),
    (equipment.UnknownContractError, 404, "No such contract"),
    (equipment.UnknownFirmChangeError, 404, "No such change of firm"),
    (equipment.FirmChangeStepError, 409, "Not possible in this state"),
    (equipment.ChangedMeanwhileError, 409, "Changed meanwhile"),
    (equipment.DuplicateCodeError, 409, "Taken already"),
    (equipment.CorrectionError, 409, "Corrected already"),
    (equipment.UnknownImportError, 404, "No such import"),
    (equipment.ImportStateError, 409, "Not possible in this state"),
    (equipment.UnknownReconciliationError, 404, "No such item"),
    (equipment.UnknownAccidentError, 404, "No such accident"),
    (equipment.UnknownCylinderError, 404, "No such cylinder"),
    (equipment.UnknownTransferError, 404, "No such transfer"),
    (equipment.NotAStationError, 404, "Not a filling station"),
    (equipment.CylinderStepError, 409, "Not possible in this state"),
    (equipment.FillKeyError, 409, "Key used already"),
    (transparency.NotInLogError, 409, "Not in the log yet"),
    (equipment.EquipmentInputError, 422, "Some values are not valid"),
    (equipment.LoginRefusedError, 401, "Wrong login or password"),
    (equipment.LoginLockedError, 429, "Too many wrong passwords"),
    (equipment.SecondFactorNeededError, 401, "A one-time code is needed"),
    (equipment.SecondFactorError, 422, "Not turned on"),
    (equipment.WebhookSignatureError, 401, "Not signed as agreed"),
    (equipment.OutgoingAddressError, 422, "Not an address to send to"),
    (equipment.OutOfScopeError, 403, "Outside your scope"),
    (alarms.UnknownAlarmError, 404, "No such alarm"),
    (alarms.UnknownIncidentError, 404, "No such incident"),
    (alarms.UnknownCallError, 404, "No such call"),
    (alarms.ConflictError, 409, "Changed meanwhile"),
    (alarms.TransitionError, 409, "Not possible in this state"),
    (alarms.ImpossibleOrderError, 422, "Impossible order of times"),
    (alarms.AlarmsInputError, 422, "Some values are not valid"),
    (ingest.IngestInputError, 422, "Some values are not valid"),
    (maintenance.UnknownRecordError, 404, "No such record"),
    (maintenance.UnknownLeadError, 404, "No such lead"),
    (maintenance.UnknownHazardError, 404, "No such hazard"),
    (maintenance.UnknownPlanError, 404, "No such plan"),
    (maintenance.PlanError, 409, "Not possible in this state"),
    (maintenance.UnknownFindingError, 404, "No such finding"),
    (maintenance.UnknownAttachmentError, 404, "No such photo"),
    (maintenance.OffsetError, 409, "Go on where it stopped"),
    (maintenance.IdempotencyError, 409, "Key used already"),
    (maintenance.MeanwhileError, 409, "Changed meanwhile"),
    (maintenance.StepError, 409, "Not possible in this state"),
    (maintenance.MaintenanceInputError, 422, "Some values are not valid"),
    (indicators.IndicatorInputError, 422, "Some values are not valid"),
)
"""Error, status, title. The detail is the error's own text, which says what to do."""
