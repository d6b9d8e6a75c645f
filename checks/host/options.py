"""What a `host` check may be told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Threshold(BaseModel):
    """From which value something is a warning, and from which it is critical; null switches one off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warning: float | None = Field(None, gt=0)
    critical: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Threshold:
        if self.warning is not None and self.critical is not None and self.critical < self.warning:
            raise ValueError("critical must not be below warning")
        return self


def _limits(warning: float, critical: float | None) -> Threshold:
    return Threshold(warning=warning, critical=critical)


class HostOptions(BaseModel):
    """Thresholds are shares from 0 to 1, except `load`: the five-minute load for each processor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu: Threshold = Field(
        _limits(0.95, None), description="Share of time the processors were busy since the last run."
    )
    memory: Threshold = Field(_limits(0.90, 0.97), description="Share of memory that is not available.")
    swap: Threshold = Field(_limits(0.80, 0.95), description="Share of swap in use.")
    load: Threshold = Field(_limits(4.0, 8.0), description="Five-minute load average for each processor.")
    disk: Threshold = Field(_limits(0.85, 0.95), description="Share of a file system in use, as df shows it.")
    inodes: Threshold = Field(_limits(0.85, 0.95), description="Share of a file system's inodes in use.")
    descriptors: Threshold = Field(_limits(0.80, 0.95), description="Share of the agent's own file descriptors in use.")
    mounts: tuple[str, ...] | None = Field(
        None,
        max_length=64,
        description="Mount points that must be there. Without it: `/` and every file system on a local device.",
    )
    exclude_mounts: tuple[str, ...] = Field((), max_length=64, description="Mount points to leave out.")

    @field_validator("mounts", "exclude_mounts")
    @classmethod
    def _absolute(cls, mounts: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for mount in mounts or ():
            if not mount.startswith("/") or (mount != "/" and mount.endswith("/")):
                raise ValueError(f"{mount!r} is not a mount point: write it as /path, without a slash at the end")
        return mounts
