"""Settings of the web process, from the environment (prefix ``TESHE_``)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WebSettings(BaseSettings):
    """How pages, API and live feed behave."""

    model_config = SettingsConfigDict(env_prefix="TESHE_", frozen=True, extra="ignore")

    hotline: str = Field(default="96366", description="热线号码 shown to passengers; Anhui uses 96366")
    city_name: str = Field(default="宿州市", description="City shown in the top bar and on the wall")
    cookie_secure: bool = Field(
        default=True, description="Send the session cookie over HTTPS only; the demo on localhost turns it off"
    )
    demo_notice: bool = Field(default=False, description="Show that the city is simulated")
    database_connections: int = Field(default=16, ge=2, le=90, description="Pool size of one web process")
    feed_poll_seconds: float = Field(
        default=0.25, gt=0, description="How often the feed is read when no notification arrives [s]"
    )
    feed_heartbeat_seconds: float = Field(
        default=5.0, gt=0, description="A client that hears nothing for three of these is stale [s]"
    )
    feed_client_queue: int = Field(
        default=500, ge=10, description="Messages kept for a slow client before it must resynchronise"
    )
    max_upload_bytes: int = Field(default=20_000_000, ge=1_000, description="Largest accepted upload [bytes]")
    record_position_seconds: float = Field(
        default=0.5,
        ge=0,
        le=10,
        description="A filed record's receipt waits at most so long for its place in the log [s]",
    )
