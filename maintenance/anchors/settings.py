"""Which authority stamps checkpoints, if any."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class AnchorSettings(BaseSettings):
    """时间戳机构. Without an address checkpoints are not anchored, which ``teshe anchor list`` says."""

    model_config = SettingsConfigDict(env_prefix="TESHE_TSA_", frozen=True, extra="ignore")

    address: str = Field("", description="Where RFC 3161 requests go; empty: checkpoints are not anchored")
    certificates: Path | None = Field(None, description="PEM file: the authority's root and what lies between")
    networks: list[IPv4Network | IPv6Network] = Field(
        default_factory=list, description="Inside networks that the authority may lie in (JSON list)"
    )
    every_hours: float = Field(default=24.0, gt=0, description="How often the newest checkpoint is anchored [h]")
    timeout_seconds: float = Field(default=10.0, gt=0, le=60, description="How long an answer is awaited [s]")
