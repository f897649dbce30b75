"""Errors of the indicators, drawn by whose fault they are.

::

    IndicatorError (DashboardsError)
    └── IndicatorInputError        the caller's; the message says what to do
        ├── NoExposureError        no unit, no time: there is no rate
        ├── InvalidCountError      a count or a rate that cannot be
        ├── UnreachableDesignError no limit gives the wanted run length
        ├── UnknownDefinitionError
        ├── UnknownValueError
        ├── NoDataCutError         nothing was counted at that moment
        ├── OfficialError          a definition cannot be made official like that
        └── ReferenceFileError     a line of a file of reference figures cannot be read
"""

from dashboards.errors import DashboardsError


class IndicatorError(DashboardsError):
    """Root of the errors of the indicators."""


class IndicatorInputError(IndicatorError):
    """Something given to us is wrong; the message says what to do."""


class NoExposureError(IndicatorInputError):
    """没有台数: without units and time there is no rate, neither 0 nor anything else."""


class InvalidCountError(IndicatorInputError):
    """A negative count, a rate that is not finite, a probability outside 0 to 1."""


class UnreachableDesignError(IndicatorInputError):
    """No control limit gives the wanted average run length with numbers that can be computed."""


class UnknownDefinitionError(IndicatorInputError):
    """口径不存在."""


class UnknownValueError(IndicatorInputError):
    """No such published value, or it lies outside the asker's area."""


class NoDataCutError(IndicatorInputError):
    """该时点没有数据快照: no data cut is that old."""


class OfficialError(IndicatorInputError):
    """A definition becomes official by a document, with its number and who approved it."""


class ReferenceFileError(IndicatorInputError):
    """参考数据文件: a line cannot be read; the message names it."""
