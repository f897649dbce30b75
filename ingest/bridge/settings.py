"""Settings of the bridge, from the environment (prefix ``TESHE_BRIDGE_``)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class BridgeSettings(BaseSettings):
    """How gateways are heard and what they say is passed on."""

    model_config = SettingsConfigDict(env_prefix="TESHE_BRIDGE_", frozen=True, extra="ignore")

    host_id: str = Field("teshe", pattern="^[A-Za-z0-9_-]{1,40}$", description="Sparkplug host id, in STATE/{host_id}")
    reorder_seconds: float = Field(2.0, gt=0, description="How long a missing Sparkplug message is waited for [s]")
    lease_seconds: float = Field(8.0, gt=1, description="A bridge that does not renew for so long is replaced [s]")
    batch_messages: int = Field(500, ge=1, description="Most messages of one transaction")
    puback_seconds: float = Field(10.0, gt=0, description="The broker acknowledges a republished sample within [s]")
    registry_seconds: float = Field(5.0, gt=0, description="How often new gateways and units are looked for [s]")
