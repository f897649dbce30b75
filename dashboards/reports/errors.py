"""Errors of the reports, drawn by whose fault they are.

::

    ReportError (IndicatorInputError)
    ├── PeriodError            the caller's: no such month or year, or it is not over yet
    ├── UnknownReportError     the caller's
    └── NoChineseFontError     the machine's: a PDF cannot be set without one
"""

from dashboards.indicators.errors import IndicatorInputError


class ReportError(IndicatorInputError):
    """Root of the errors of the reports."""


class PeriodError(ReportError):
    """报告期不对: no such month or year, or it has not begun."""


class UnknownReportError(ReportError):
    """No such report, or not for whoever asks."""


class NoChineseFontError(ReportError):
    """没有中文字体: install fonts-noto-cjk, or name a folder with one in TESHE_FONT_FOLDER."""
