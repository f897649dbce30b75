"""Settings of the reports, from the environment (prefix ``TESHE_``)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ReportSettings(BaseSettings):
    """How reports are set."""

    model_config = SettingsConfigDict(env_prefix="TESHE_", frozen=True, extra="ignore")

    font_folder: Path | None = Field(
        default=None, description="Folder with a Chinese font (Noto Sans SC) for PDF, where the system has none"
    )
