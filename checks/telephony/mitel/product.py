"""Which product answers, by sysObjectID and sysDescr. Pure."""

from __future__ import annotations

from checks.network.transform import Answer
from checks.telephony.mitel.options import BUSINESS, UNREAD, profiles_of
from config.profiles import Identity, load, recognised, search_path
from config.profiles.recognition import SYS_DESCR, SYS_OBJECT_ID

LEVEL = "1.3.6.1.4.1.1027.4.1.1.2.2.1.0"
"""mitelIpera3000AlmLevel: only a MiVoice Business has it."""
IDENTITY = (SYS_OBJECT_ID, SYS_DESCR, LEVEL)
_SX_2000 = "1.3.6.1.4.1.1027.1.2.2"
"""An SX-2000, or a 3300 that was named by the MIB of 2006."""
PLATFORMS = "1.3.6.1.4.1.1027.1.6."
"""Application platforms: servers of the MSL family, some of which are a MiVoice Business."""
_PRODUCTS = {
    _SX_2000: "SX-2000",
    "1.3.6.1.4.1.1027.1.2.4": "3100",
    "1.3.6.1.4.1.5329": "MiVoice Connect (ShoreTel)",
    "1.3.6.1.4.1.5389": "MiVoice Office 250 (Inter-Tel)",
    "1.3.6.1.4.1.11268": "a product of Aastra (MX-ONE, MiVoice Office 400, SIP-DECT)",
    "1.3.6.1.4.1.3331": "SIP-DECT (DeTeWe)",
    "1.3.6.1.4.1.416": "MiVoice 5000 (Matra)",
}
_MOST_PAIRS = 32


def pairs(description: str) -> dict[str, str]:
    """The `key:value` pairs of sysDescr, whatever their order and set; a part without a colon has an empty value."""
    found: dict[str, str] = {}
    for part in description.split(";")[:_MOST_PAIRS]:
        key, _, value = part.partition(":")
        if key.strip():
            found[key.strip()] = value.strip()
    return found


def profile_for(values: dict[str, Answer]) -> str:
    """The profile for what a system answered to `IDENTITY`; empty where none is known."""
    object_id, level = str(values.get(SYS_OBJECT_ID) or ""), values.get(LEVEL)
    if level is not None and (object_id == _SX_2000 or object_id.startswith(PLATFORMS)):
        return BUSINESS
    if object_id == _SX_2000:
        return UNREAD
    directories = search_path()
    found = recognised(
        Identity(object_id, str(values.get(SYS_DESCR) or "")), [load(name, directories) for name in profiles_of()]
    )
    return "" if found is None else found.profile


def product_name(object_id: str) -> str:
    """What a product is called whose alarms are not read."""
    fitting = (name for oid, name in _PRODUCTS.items() if f"{object_id}.".startswith(f"{oid}."))
    return next(fitting, "this product")
