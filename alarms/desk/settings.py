"""Limits of what anybody may send who scans a plate, from the environment (prefix ``TESHE_QR_``)."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class QrSettings(BaseSettings):
    """How many scan reports are taken within a window. Mobile networks let many people share one address."""

    model_config = SettingsConfigDict(env_prefix="TESHE_QR_", frozen=True, extra="ignore")

    window_minutes: int = Field(default=10, ge=1, le=1_440, description="扫码报告限流窗口 [min]")
    per_sender_lift: int = Field(default=3, ge=1, description="Reports of one address about one lift, in a window")
    per_sender: int = Field(default=20, ge=1, description="Reports of one address, in a window")
    per_lift: int = Field(default=12, ge=1, description="Reports about one lift, in a window")

    @property
    def window(self) -> timedelta:
        """限流窗口."""
        return timedelta(minutes=self.window_minutes)
