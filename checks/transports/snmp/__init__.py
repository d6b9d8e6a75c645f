"""SNMP: get, columns, walk, close; v1, v2c and v3 over IPv4 and IPv6. Polling is gufo-snmp's, the guarding ours."""

from checks.transports.snmp.asking import Asking
from checks.transports.snmp.credentials import Manner, problems
from checks.transports.snmp.errors import SnmpError
from checks.transports.snmp.transport import Device, SnmpTransport, wanted_descriptors
from checks.transports.snmp.values import Answer, Columns, Missing, Value

__all__ = [
    "Answer",
    "Asking",
    "Columns",
    "Device",
    "Manner",
    "Missing",
    "SnmpError",
    "SnmpTransport",
    "Value",
    "problems",
    "wanted_descriptors",
]
