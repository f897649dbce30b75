"""Gateways that notifications leave by, from the environment (prefix ``TESHE_PAGING_``).

What would leave by a channel that is not configured is a dead letter at once, which the desk sees.
"""

from ipaddress import IPv4Network, IPv6Network

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PagingSettings(BaseSettings):
    """Where voice calls, SMS and mail go out, and how often they are tried."""

    model_config = SettingsConfigDict(env_prefix="TESHE_PAGING_", env_ignore_empty=True, frozen=True, extra="ignore")

    voice_url: str | None = Field(None, description="Gateway that rings a number and returns the key that was pressed")
    sms_url: str | None = Field(None, description="Gateway that sends an SMS")
    gateway_secret: str | None = Field(
        None, repr=False, description="Signs what goes to both and what they return; hexadecimal, 32 bytes or more"
    )
    calls_secret: str | None = Field(
        None, repr=False, description="Signs the call centre's events; hexadecimal, 32 bytes or more"
    )
    smtp_host: str | None = Field(None, description="Mail server of the intranet")
    smtp_port: int = Field(25, ge=1, le=65535, description="Its port")
    mail_from: str = Field("96366@localhost", description="Sender of the mails")
    public_address: str = Field("http://127.0.0.1:8800", description="What an SMS link begins with")
    duty: list[str] = Field(
        default_factory=list,
        description="Whom the watchdog tells that the timers or the pages stand still (JSON list of"
        " channel:address, e.g. voice:05573000001, sms:13900000001, wecom:https://…, email:duty@city.example)",
    )
    networks: list[IPv4Network | IPv6Network] = Field(
        default_factory=list, description="Inside networks that webhooks and gateways may lie in (JSON list)"
    )
    most_attempts: int = Field(6, ge=1, le=20, description="Then a notification is a dead letter")
    most_rings: int = Field(3, ge=1, le=6, description="How often a voice call that nobody took is rung")
    ring_again_seconds: int = Field(40, ge=15, le=300, description="After how long it is rung again [s]")

    def secret(self) -> bytes:
        """The gateways' secret; empty when there is none."""
        return bytes.fromhex(self.gateway_secret or "")

    def call_secrets(self) -> list[bytes]:
        """Secrets that the call centre's events are believed under."""
        return [bytes.fromhex(self.calls_secret)] if self.calls_secret else []
