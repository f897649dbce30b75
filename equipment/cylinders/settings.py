"""Limits of filling that a place may set, from the environment (prefix ``TESHE_CYLINDER_``)."""

from __future__ import annotations

from datetime import date

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from equipment.cylinders.media import Medium


class CylinderSettings(BaseSettings):
    """What the law leaves open, or what is not yet confirmed against its text."""

    model_config = SettingsConfigDict(env_prefix="TESHE_CYLINDER_", env_ignore_empty=True, frozen=True, extra="ignore")

    design_life_years: dict[str, int] = Field(
        default_factory=dict, description="Design life by medium, in place of the catalogue's (mark M) [years]"
    )
    inspection_months: dict[str, int] = Field(
        default_factory=dict, description="Inspection interval by medium, in place of the catalogue's (mark M) [months]"
    )
    weight_tolerance_kg: float = Field(
        0.5, ge=0, description="How far the second weighing may differ, and the net weight exceed the limit [kg]"
    )
    trace_retention_days: int = Field(
        1_096, ge=730, description="How long fills and movements are kept; two years at least [days]"
    )
    batch_answer_days: int = Field(
        90, ge=7, description="How long the answer to a call is kept for when it is asked again [days]"
    )
    trace_window_days: int = Field(
        30, ge=1, le=730, description="Fills of the last so many days decide whether a cylinder is traced [days]"
    )

    def life_years(self, medium: Medium) -> int:
        """设计使用年限 of cylinders for this medium [years]."""
        return self.design_life_years.get(medium.code, medium.design_life_years)

    def months(self, medium: Medium) -> int:
        """检验周期 of cylinders for this medium [months]."""
        return self.inspection_months.get(medium.code, medium.inspection_months)

    def end_of_life(self, made: date, medium: Medium, scrap_date: date | None) -> date:
        """First day on which a cylinder may not be filled any more: as marked on it, else by its design life."""
        return scrap_date if scrap_date is not None else add_months(made, 12 * self.life_years(medium))


def add_months(day: date, months: int) -> date:
    """The same day some months later, or the last of that month.

    >>> add_months(date(2024, 2, 29), 12)
    datetime.date(2025, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise ValueError(f"no month {year}-{month + 1}")
