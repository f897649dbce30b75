"""Bounds of imports, from the environment (prefix ``TESHE_IMPORT_``)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ImportSettings(BaseSettings):
    """How large a file may be and how much is written at once."""

    model_config = SettingsConfigDict(env_prefix="TESHE_IMPORT_", env_ignore_empty=True, frozen=True, extra="ignore")

    most_bytes: int = Field(100_000_000, ge=1_000, description="Largest file that is accepted [bytes]")
    most_rows: int = Field(300_000, ge=1, description="Most rows of one file")
    rows_at_once: int = Field(2_000, ge=1, le=20_000, description="Rows written in one transaction")
    keep_days: int = Field(90, ge=1, description="How long rows and plans of a finished job are kept [days]")
