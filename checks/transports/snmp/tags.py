"""SNMP types as BER numbers them (RFC 2578, section 7.1), and as recordings name them."""

from __future__ import annotations

TAG_INTEGER, TAG_OCTETS, TAG_NULL, TAG_OID = 2, 4, 5, 6
TAG_ADDRESS, TAG_COUNTER, TAG_GAUGE, TAG_TICKS, TAG_OPAQUE, TAG_COUNTER64 = 64, 65, 66, 67, 68, 70
