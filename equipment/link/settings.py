"""Settings of the link between the zones, from the environment (prefix ``TESHE_LINK_``)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LinkSettings(BaseSettings):
    """Where bundles are laid down and fetched, and whose they must be."""

    model_config = SettingsConfigDict(env_prefix="TESHE_LINK_", env_ignore_empty=True, frozen=True, extra="ignore")

    send_dir: Path = Field(Path(".data/link/send"), description="Folder whose files are carried to the other side")
    receive_dir: Path = Field(Path(".data/link/receive"), description="Folder into which the other side's are carried")
    key_file: Path = Field(Path(".data/keys/link.key"), description="This side's own key; made if missing")
    peer_key: str | None = Field(
        None, description="The other side's public key, base64 (teshe link key shows it there)"
    )
    every_seconds: float = Field(2.0, gt=0, le=60, description="How often bundles are made and fetched [s]")
    heartbeat_seconds: float = Field(10.0, gt=0, le=600, description="An empty bundle tells that the side lives [s]")
    resend_seconds: float = Field(
        120.0, gt=0, description="A bundle without receipt whose file is gone is laid down again after so long [s]"
    )
