"""The desk's clocks, from the environment (prefix ``TESHE_DESK_``)."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeskSettings(BaseSettings):
    """How long each step of the response may take before the platform acts by itself."""

    model_config = SettingsConfigDict(env_prefix="TESHE_DESK_", frozen=True, extra="ignore")

    verify_seconds: int = Field(
        default=90, ge=10, le=600, description="待核实: time to ask the car, the duty room or the firm [s]"
    )
    answer_seconds: int = Field(
        default=60, ge=10, le=900, description="派单后应答: an order nobody answers goes to the next level [s]"
    )
    arrive_minutes: int = Field(
        default=30, ge=5, le=120, description="到达: 安徽省电梯安全监督管理办法, within 30 minutes [min]"
    )

    @property
    def verify_within(self) -> timedelta:
        """核实时限."""
        return timedelta(seconds=self.verify_seconds)

    @property
    def answer_within(self) -> timedelta:
        """应答时限."""
        return timedelta(seconds=self.answer_seconds)

    @property
    def arrive_within(self) -> timedelta:
        """到达时限."""
        return timedelta(minutes=self.arrive_minutes)
