"""The families that profiles of one trade share, declared once: a profile names one by its word.

What a family says does not depend on the vendor, so neither do its name, its help and its labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIREWALL: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("boot_timestamp_seconds", "When the firewall started (Unix time).", "seconds", ()),
    ("cpu_ratio", "Processor time in use, by component.", "ratio", ("component",)),
    ("memory_used_ratio", "Memory in use, as the firewall counts it.", "ratio", ()),
    ("disk_used_ratio", "Room in use on a disk of the firewall.", "ratio", ("mount",)),
    ("sessions", "Sessions in the firewall's table.", "", ()),
    ("sessions_limit", "Sessions that the firewall can hold; absent where there is no limit.", "", ()),
    ("vpn_users_limit", "Users who can be connected by remote-access VPN at once; absent where there is no limit.", "",
     ()),
    ("session_setup_rate", "New sessions a second.", "", ()),
    ("ha_member_in_sync", "Whether a member of the cluster has the configuration of the others.", "", ("member",)),
    ("vpn_tunnel_up", "Whether a VPN tunnel is up.", "", ("tunnel", "peer")),
    ("licence_expiry_timestamp_seconds", "When a licence ends (Unix time); absent for one that never ends.", "seconds",
     ("licence",)),
    ("signature_updated_timestamp_seconds", "When signatures were made or loaded (Unix time).", "seconds", ("feed",)),
    ("sensor_celsius", "Temperature of a sensor.", "celsius", ("sensor",)),
    ("sensor_volts", "Voltage of a sensor.", "volts", ("sensor",)),
    ("fan_rpm", "Turns of a fan a minute.", "", ("sensor",)),
    ("power_supply_ok", "Whether the firewall calls a power supply well.", "", ("sensor",)),
    ("link_monitor_up", "Whether the firewall's own probe over a link is answered.", "", ("link",)),
    ("link_monitor_latency_seconds", "Round trip of the firewall's own probe over a link.", "seconds", ("link",)),
    ("link_monitor_loss_ratio", "Probes over a link that were not answered.", "ratio", ("link",)),
)  # fmt: skip

_LEVELS = "-1 indeterminate, 0 clear, 1 warning, 2 minor, 3 major, 4 critical"
_TELEPHONY: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("system_level", f"The telephone system's own overall level: {_LEVELS}.", "", ()),
    ("alarm_level", f"The system's own level of a category of alarms: {_LEVELS}.", "", ("category",)),
    ("application_level", f"The system's own level of an application: {_LEVELS}.", "", ("application",)),
    ("resources_available", "Resources of a category that are there.", "", ("category",)),
    ("resources_unavailable", "Resources of a category that are out of service.", "", ("category",)),
    ("licences_used", "Licences in use.", "", ("licence",)),
    ("licences_limit", "Licences bought; absent where they are not sold separately.", "", ("licence",)),
    ("resilient_sets_active", "Whether phones of a primary controller run on this, their backup.", "", ("primary",)),
    ("active_calls", "Calls that the telephone system carries now.", "", ()),
    ("flash_used_ratio", "Room in use on the telephone system's flash card.", "ratio", ()),
    ("zone_used_bytes", "Octets a second that calls take of a bandwidth zone.", "bytes", ("bandwidth_zone",)),
    ("zone_limit_bytes", "Octets a second that calls may take of a bandwidth zone.", "bytes", ("bandwidth_zone",)),
)  # fmt: skip

FAMILIES: Mapping[str, Mapping[str, Any]] = {
    word: {"name": f"ridgeway_firewall_{word}", "help": help_text, "unit": unit, "labels": labels}
    for word, help_text, unit, labels in _FIREWALL
} | {
    f"telephony_{word}": {"name": f"ridgeway_telephony_{word}", "help": help_text, "unit": unit, "labels": labels}
    for word, help_text, unit, labels in _TELEPHONY
} | {
    "telephony_call_admissions_total": {
        "name": "ridgeway_telephony_call_admissions_total", "help": "Calls admitted to a bandwidth zone.",
        "type": "counter", "labels": ("bandwidth_zone",),
    },
    "telephony_call_rejections_total": {
        "name": "ridgeway_telephony_call_rejections_total",
        "help": "Calls that were refused because a bandwidth zone was full: callers heard a failure.",
        "type": "counter", "labels": ("bandwidth_zone",),
    },
    "telephony_disk_reads_total": {
        "name": "ridgeway_telephony_disk_reads_total", "help": "Reads of a disk of the telephone system.",
        "type": "counter", "labels": ("disk",),
    },
    "telephony_disk_writes_total": {
        "name": "ridgeway_telephony_disk_writes_total", "help": "Writes of a disk of the telephone system.",
        "type": "counter", "labels": ("disk",),
    },
    "certificate_not_after_timestamp_seconds": {
        "name": "ridgeway_certificate_not_after_timestamp_seconds",
        "help": "When a certificate that was shown stops being valid; `certificate` is the port, its place in the "
        "chain after /.",
        "unit": "seconds", "labels": ("certificate",),
    },
    "interface_up": {
        "name": "ridgeway_interface_up", "help": "Whether an interface is up.", "labels": ("interface",),
    },
    "interface_speed_bytes": {
        "name": "ridgeway_interface_speed_bytes", "help": "Octets a second that an interface can carry.",
        "unit": "bytes", "labels": ("interface",),
    },
    "interface_receive_bytes_total": {
        "name": "ridgeway_interface_receive_bytes_total", "help": "Octets received (64 bits).", "unit": "bytes",
        "type": "counter", "labels": ("interface",),
    },
    "interface_transmit_bytes_total": {
        "name": "ridgeway_interface_transmit_bytes_total", "help": "Octets sent (64 bits).", "unit": "bytes",
        "type": "counter", "labels": ("interface",),
    },
    "interface_receive_errors_total": {
        "name": "ridgeway_interface_receive_errors_total", "help": "Datagrams received with errors.",
        "type": "counter", "labels": ("interface",),
    },
    "interface_transmit_errors_total": {
        "name": "ridgeway_interface_transmit_errors_total", "help": "Datagrams not sent for errors.",
        "type": "counter", "labels": ("interface",),
    },
}  # fmt: skip
"""By the word that a profile says: `metric: sessions`."""
