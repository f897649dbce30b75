"""Who answers alarms, from the environment (prefix ``TESHE_STORMS_``)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class StormSettings(BaseSettings):
    """Who shares the load."""

    model_config = SettingsConfigDict(env_prefix="TESHE_STORMS_", frozen=True, extra="ignore")

    seats: int = Field(default=1, ge=1, le=200, description="坐席: desk seats that share the alarms")
