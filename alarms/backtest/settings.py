"""Settings of back-test, shadow and device trust, from the environment (prefix ``TESHE_BACKTEST_``)."""

from __future__ import annotations

import os

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from alarms.backtest.model import Matching


class BacktestSettings(BaseSettings):
    """How alarms are compared with calls, and what a model of device must show before its alarms ring the desk."""

    model_config = SettingsConfigDict(env_prefix="TESHE_BACKTEST_", frozen=True, extra="ignore")

    match_before_minutes: float = Field(
        60, gt=0, le=1_440, description="An alarm counts for a call that comes at most so much later [min]"
    )
    match_after_minutes: float = Field(
        15, ge=0, le=1_440, description="An alarm counts for a call that came at most so much earlier [min]"
    )
    processes: int = Field(
        0, ge=0, le=64, description="Processes of one back-test; 0: as many as processor cores, at most 8"
    )
    shadow_days: float = Field(
        30, ge=1, le=365, description="影子期: a rule is watched so long on a model of device before it may ring [d]"
    )
    shadow_precision: float = Field(0.8, gt=0, le=1, description="Share of its alarms that must be confirmed")
    shadow_least_alarms: int = Field(5, ge=1, description="Fewer judged alarms prove nothing")
    score_seconds: float = Field(300, ge=10, description="How often shadow scores and device trust are worked out [s]")
    false_alarms: int = Field(3, ge=2, description="反复误报: so many alarms that people found false …")
    false_alarm_days: float = Field(7, gt=0, description="… within so long open a work order for the device [d]")

    @property
    def matching(self) -> Matching:
        """The window of matching."""
        return Matching(self.match_before_minutes * 60, self.match_after_minutes * 60)

    @property
    def workers(self) -> int:
        """How many processes replay."""
        return self.processes or min(8, os.cpu_count() or 1)
