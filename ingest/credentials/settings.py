"""Settings of the brokers' authorisation, from the environment (prefix ``TESHE_``)."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CredentialSettings(BaseSettings):
    """Where the broker reads who may log in, and where it writes whom it refused."""

    model_config = SettingsConfigDict(env_prefix="TESHE_", env_ignore_empty=True, frozen=True, extra="ignore")

    broker_auth_dir: Path | None = Field(
        None, description="Folder of the broker's authorisation files; unset: the broker is administered elsewhere"
    )
    broker_kind: Literal["nats", "mosquitto"] = Field("nats", description="Whose files they are")
    broker_control_port: int = Field(
        4222, ge=1, le=65535, description="NATS clients' port, over which the server is asked to read its files again"
    )
    broker_log_file: str | None = Field(
        None,
        description="NATS logs, from which refused publishes are read: a path, or a pattern for those of a cluster"
        " (/broker-*/nats.log); unset: they are not recorded",
    )
