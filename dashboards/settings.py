"""Settings of the web process, from the environment (prefix ``TESHE_``)."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from dashboards.surfaces import Surface
from equipment.link.model import Side

LOCAL = {"127.0.0.1", "localhost", "::1"}


def acceptable(address: str) -> bool:
    """HTTPS; clear text on this machine only.

    >>> acceptable("https://id.example/auth"), acceptable("http://id.example/auth"), acceptable("http://127.0.0.1:9/a")
    (True, False, True)
    """
    parts = urlsplit(address)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL))


class WebSettings(BaseSettings):
    """How pages, API and live feed behave."""

    model_config = SettingsConfigDict(env_prefix="TESHE_", frozen=True, extra="ignore")

    hotline: str = Field(default="96366", description="热线号码 shown to passengers; Anhui uses 96366")
    city_name: str = Field(default="宿州市", description="City shown in the top bar and on the wall")
    cookie_secure: bool = Field(
        default=True, description="Send the session cookie over HTTPS only; the demo on localhost turns it off"
    )
    surface: Surface = Field(default=Surface.ALL, description="Which part this web process serves")
    zone: Side | None = Field(
        default=None, description="inner or outer, where two zones run apart; default: what the database was set up as"
    )
    link_stale_seconds: float = Field(
        default=60.0, gt=0, description="News of the other zone that is older makes the desk say so loudly [s]"
    )
    second_factor_required: bool = Field(
        default=False,
        description="Administrators and inspectors set up a one-time code at their first login; off only for demos",
    )
    seal_key_file: Path = Field(
        default=Path(".data/keys/seal.key"),
        description="Key that closes the secrets of second factors in the database; made if missing; keep it safe",
    )
    link_keys_file: Path = Field(
        default=Path(".data/keys/links.keys"),
        description="Keys that sign download links, shared by every web process; made if missing",
    )
    oidc_issuer: str = Field(
        default="", description="统一身份认证: issuer of the city's identity provider; empty: passwords only"
    )
    oidc_client_id: str = Field(default="", description="What the provider calls this platform")
    oidc_client_secret: str = Field(default="", repr=False, description="Secret agreed with the provider, if any")
    oidc_own_address: str = Field(
        default="", description="Address of this platform as the provider knows it; it leads back to /login/city/back"
    )
    oidc_ca_file: Path | None = Field(default=None, description="Certificate authority of the provider, if not public")
    oidc_strong_methods: tuple[str, ...] = Field(
        default=("mfa", "otp", "hwk", "sc"),
        description="What of the provider's 'amr' counts as a second factor (RFC 8176), as a JSON list",
    )
    demo_notice: bool = Field(default=False, description="Show that the city is simulated")
    wall_fatality: bool = Field(
        default=False,
        description="Show the fatality figure on the board's wall screen; off, because one death in a small city is no trend",
    )
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
    feed_cut_seconds: float = Field(
        default=10.0, gt=0, description="A client that does not even read that it must resynchronise is cut off [s]"
    )
    feed_stale_seconds: float = Field(
        default=10.0, gt=0, description="A message that waits so long to be numbered or judged makes the feed stale [s]"
    )
    max_upload_bytes: int = Field(default=20_000_000, ge=1_000, description="Largest accepted upload [bytes]")
    max_body_bytes: int = Field(
        default=120_000_000, ge=10_000, description="No request's body is longer, whatever its route accepts [bytes]"
    )
    public_address: str = Field(
        default="", description="Address of the public pages as it stands in QR codes; default: that of the request"
    )
    tile_address: str = Field(
        default="",
        description="Tiles of an intranet map server, https://host/{z}/{x}/{y}.png; empty: maps without tiles",
    )
    tile_datum: Literal["wgs84", "gcj02"] = Field(
        default="wgs84", description="Datum of those tiles: places are converted to it before they are drawn"
    )
    tile_attribution: str = Field(default="", description="What the map server wants to be said of its source")
    record_position_seconds: float = Field(
        default=0.5,
        ge=0,
        le=10,
        description="A filed record's receipt waits at most so long for its place in the log [s]",
    )

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        """A provider that is half set, or reached in clear text, is a mistake that shows at the start."""
        if not self.oidc_issuer:
            return self
        if not self.oidc_client_id or not self.oidc_own_address:
            raise ValueError("TESHE_OIDC_ISSUER needs TESHE_OIDC_CLIENT_ID and TESHE_OIDC_OWN_ADDRESS")
        for name in ("oidc_issuer", "oidc_own_address"):
            if not acceptable(getattr(self, name)):
                raise ValueError(f"TESHE_{name.upper()}: https is needed, other than on this machine")
        return self
