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
    join_minutes: int = Field(
        default=120,
        ge=1,
        le=1_440,
        description="合并窗口: how long after its newest source another word about a lift is the same event; people"
        " still inside are always the same event [min]",
    )
    answer_seconds: int = Field(
        default=60, ge=10, le=900, description="派单后应答, level 1: an order nobody answers goes a level up [s]"
    )
    station_answer_seconds: int = Field(default=60, ge=10, le=900, description="The same, level 2 [s]")
    brigade_answer_seconds: int = Field(default=120, ge=10, le=900, description="The same, level 3 [s]")
    arrive_minutes: int = Field(
        default=30, ge=5, le=120, description="到达, level 1: 安徽省电梯安全监督管理办法, within 30 minutes [min]"
    )
    station_arrive_minutes: int = Field(default=20, ge=5, le=120, description="The same, level 2 [min]")
    brigade_arrive_minutes: int = Field(default=15, ge=5, le=120, description="The same, level 3 [min]")
    reassure_minutes: int = Field(
        default=5, ge=1, le=60, description="安抚回拨: how often somebody speaks to those inside [min]"
    )
    two_hour_steps: str = Field(
        default="30,60,90,110",
        pattern=r"^\d{1,3}(,\d{1,3})*$",
        description="两小时规则: after how long an entrapment is told to the named people [min]",
    )
    accident_minutes: int = Field(
        default=120, ge=30, le=600, description="From when an entrapment may be an accident (条例 art. 64) [min]"
    )
    report_minutes: int = Field(default=60, ge=10, le=240, description="Time to report a possible accident [min]")
    claim_stale_seconds: int = Field(
        default=45, ge=10, le=600, description="A claimed call whose seat says nothing is anybody's again [s]"
    )
    reply_minutes: int = Field(default=30, ge=5, le=240, description="How long an SMS link answers an order [min]")
    watchdog_seconds: int = Field(
        default=15, ge=3, le=300, description="How late the escalator may be before the watchdog alarms [s]"
    )
    watchdog_repeat_seconds: int = Field(
        default=300, ge=30, le=3_600, description="How often the watchdog says again what is still so [s]"
    )

    @property
    def verify_within(self) -> timedelta:
        """核实时限."""
        return timedelta(seconds=self.verify_seconds)

    @property
    def join_within(self) -> timedelta:
        """合并窗口."""
        return timedelta(minutes=self.join_minutes)

    @property
    def steps(self) -> tuple[int, ...]:
        """两小时规则: minutes, ascending."""
        return tuple(sorted({int(m) for m in self.two_hour_steps.split(",")}))

    @property
    def reassure_within(self) -> timedelta:
        """安抚回拨."""
        return timedelta(minutes=self.reassure_minutes)

    def answer_within(self, level: int) -> timedelta:
        """应答时限 of a level."""
        return timedelta(
            seconds=(self.answer_seconds, self.station_answer_seconds, self.brigade_answer_seconds)[level - 1]
        )

    def arrive_within(self, level: int) -> timedelta:
        """到达时限 of a level."""
        return timedelta(
            minutes=(self.arrive_minutes, self.station_arrive_minutes, self.brigade_arrive_minutes)[level - 1]
        )
