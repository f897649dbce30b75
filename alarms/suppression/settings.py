"""How long an alarm may be muted, from the environment (prefix ``TESHE_ALARMS_``)."""

from datetime import timedelta
from functools import lru_cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SuppressionSettings(BaseSettings):
    """Longest times."""

    model_config = SettingsConfigDict(env_prefix="TESHE_ALARMS_", frozen=True, extra="ignore")

    longest_shelf_hours: float = Field(
        default=8, gt=0, le=72, description="搁置: longest, also of a one-shot shelf [h]"
    )
    protected_shelf_minutes: float = Field(
        default=15, gt=0, le=120, description="搁置困人、报警按钮: longest time that a person may mute them [min]"
    )
    design_minutes: float = Field(
        default=60, gt=0, le=1440, description="设计抑制: what is still present after this pages [min]"
    )

    def longest(self, *, protected: bool) -> timedelta:
        """Longest shelf of an alarm."""
        if protected:
            return timedelta(minutes=self.protected_shelf_minutes)
        return timedelta(hours=self.longest_shelf_hours)

    @property
    def design_limit(self) -> timedelta:
        """Longest suppression by a rule's own condition."""
        return timedelta(minutes=self.design_minutes)


@lru_cache(maxsize=1)
def settings() -> SuppressionSettings:
    """As the process was started."""
    return SuppressionSettings()
