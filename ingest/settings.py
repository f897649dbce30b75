"""Settings of the worker, from the environment (prefix ``TESHE_``)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IngestSettings(BaseSettings):
    """How readings are received, batched and judged."""

    model_config = SettingsConfigDict(env_prefix="TESHE_", frozen=True, extra="ignore")

    batch_messages: int = Field(2_000, ge=1, description="Most messages in one transaction")
    batch_bytes: int = Field(2_000_000, ge=1_000, description="A transaction takes no further message beyond [bytes]")
    batch_age_seconds: float = Field(0.01, ge=0, description="A batch waits at most so long for more messages [s]")
    inflight_bytes: int = Field(64_000_000, ge=1_000_000, description="Received but not acknowledged, at most [bytes]")
    payload_bytes: int = Field(524_288, ge=1_000, description="Largest payload that is decoded [bytes]")
    tick_seconds: float = Field(0.2, gt=0, description="How often timers of rules are looked at [s]")
    checkpoint_seconds: float = Field(30.0, gt=0, description="How often the rules' state is saved [s]")
    lease_seconds: float = Field(
        8.0, gt=1, description="A worker that does not renew for so long has lost its shards [s]"
    )
    late_after_seconds: float = Field(60.0, gt=0, description="A sample older than this on arrival is late [s]")
    clock_future_seconds: float = Field(86_400.0, gt=0, description="Further ahead, a device clock is unusable [s]")
    clock_past_seconds: float = Field(
        400 * 86_400.0, gt=0, description="Further behind, a device clock is unusable [s]"
    )
    registry_refresh_seconds: float = Field(5.0, gt=0, description="How often new units are looked for [s]")
