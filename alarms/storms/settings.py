"""What counts as too much, from the environment (prefix ``TESHE_STORMS_``)."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class StormSettings(BaseSettings):
    """Criteria of the load lists."""

    model_config = SettingsConfigDict(env_prefix="TESHE_STORMS_", frozen=True, extra="ignore")

    seats: int = Field(default=1, ge=1, le=200, description="坐席: desk seats that share the alarms")
    chatter_transitions: int = Field(default=5, ge=1, le=1000, description="抖动: more transitions than this …")
    chatter_seconds: int = Field(default=300, ge=1, le=86_400, description="… within this time [s]")
    fleeting_seconds: float = Field(default=10, gt=0, le=3_600, description="瞬时: over in less than this [s]")
    stale_hours: float = Field(default=24, gt=0, le=8_760, description="陈旧: present for longer than this [h]")

    @property
    def chatter_window(self) -> timedelta:
        """抖动的时间窗."""
        return timedelta(seconds=self.chatter_seconds)
