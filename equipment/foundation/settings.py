"""Where the services are and where data lies, from the environment (prefix ``TESHE_``)."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FoundationSettings(BaseSettings):
    """Addresses, directories and logging of every process."""

    model_config = SettingsConfigDict(env_prefix="TESHE_", env_ignore_empty=True, frozen=True, extra="ignore")

    database_url: str | None = Field(None, repr=False, description="PostgreSQL of migrate, worker and jobs (libpq URL)")
    web_database_url: str | None = Field(
        None,
        repr=False,
        description="PostgreSQL login of the web process, member of teshe_scoped only; default: database_url",
    )
    data_dir: Path = Field(Path(".data"), description="Directory of embedded services and of the outage pack")
    broker_host: str = Field("127.0.0.1", description="MQTT 3.1.1 broker")
    broker_port: int = Field(1883, ge=1, le=65535, description="Its port")
    broker_username: str | None = Field(None, description="The platform's own broker account")
    broker_password: str | None = Field(None, repr=False, description="Its password")
    broker_ca_file: Path | None = Field(
        None, description="Authority that signed the broker's certificate (PEM): turns TLS on; unset: clear text"
    )
    broker_ack_wait_seconds: float = Field(
        5.0, gt=0, description="After how long the broker sends an unacknowledged message again [s]"
    )
    log_key_file: Path | None = Field(
        None,
        description="Private key that signs the tamper-evident log; made if missing; default: keys/log.key in data_dir",
    )
    log_origin: str = Field("teshe/341300", description="Name of the tamper-evident log in its signed checkpoints")
    web_host: str = Field("127.0.0.1", description="Address the web process listens on")
    web_port: int = Field(8800, ge=0, le=65535, description="Its port")
    metrics_host: str = Field("127.0.0.1", description="Address of /metrics and /healthz of worker and jobs")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Their port; 0: none. Under teshe run jobs takes the next one"
    )
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is written")
