"""What a `sip_register` check may be told."""

from __future__ import annotations

from pydantic import Field

from checks.telephony.way import Way

KIND = "sip_register"


class RegisterOptions(Way):
    """The options. The extension and its password are the target's credential of the role `sip`."""

    auth_user: str | None = Field(
        None, min_length=1, max_length=128, description="The user that the digest names; the extension unless said."
    )
    expires: int = Field(60, ge=60, le=120, description="Seconds for which the extension is registered.")
    warning_seconds: float | None = Field(None, gt=0, description="A registration that takes this long is a warning.")
