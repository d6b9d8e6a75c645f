"""Where devices keep what must not leave the house, by OID: from the MIBs named beside each."""

from __future__ import annotations

from checks.recordings.recording import within

NEVER = (
    "1.3.6.1.6.3",  # snmpModules: communities (SNMP-COMMUNITY-MIB), users and keys, access rights, engine ids
    "1.3.6.1.2.1.25.4.2.1.5",  # hrSWRunParameters: command lines, passwords included
    "1.3.6.1.4.1.1027.4.1.1.3",  # MITEL-ERN: emergency calls, who made them and from where
    "1.3.6.1.4.1.8072.1.3",  # nsExtend: commands, their arguments and outputs
)
"""Subtrees that are not recorded at all."""

WHOLE = {
    "1.3.6.1.2.1.1.4": "contact",  # sysContact
    "1.3.6.1.2.1.1.5": "name",  # sysName
    "1.3.6.1.2.1.1.6": "location",  # sysLocation
    "1.3.6.1.2.1.31.1.1.1.18": "label",  # ifAlias: customers, circuits, rooms
    "1.3.6.1.2.1.33.1.1.5": "name",  # upsIdentName
    "1.3.6.1.2.1.33.1.1.6": "name",  # upsIdentAttachedDevices
    "1.3.6.1.2.1.43.5.1.1.17": "serial",  # prtGeneralSerialNumber
    "1.3.6.1.2.1.47.1.1.1.1.11": "serial",  # entPhysicalSerialNum
    "1.3.6.1.2.1.47.1.1.1.1.14": "label",  # entPhysicalAlias
    "1.3.6.1.2.1.47.1.1.1.1.15": "serial",  # entPhysicalAssetID
    "1.3.6.1.2.1.47.1.1.1.1.18": "serial",  # entPhysicalUris
    "1.0.8802.1.1.2.1.3.2": "name",  # lldpLocChassisId
    "1.0.8802.1.1.2.1.3.3": "name",  # lldpLocSysName
    "1.0.8802.1.1.2.1.4.1.1.5": "name",  # lldpRemChassisId
    "1.0.8802.1.1.2.1.4.1.1.7": "label",  # lldpRemPortId
    "1.0.8802.1.1.2.1.4.1.1.8": "label",  # lldpRemPortDesc
    "1.0.8802.1.1.2.1.4.1.1.9": "name",  # lldpRemSysName
    "1.2.840.10036.1.1.1.9": "ssid",  # dot11DesiredSSID
    "1.3.6.1.4.1.1027.4.1.1.2.1.3": "name",  # mitelIpera3000CEID
    "1.3.6.1.4.1.1027.4.1.1.2.1.4": "name",  # mitelIpera3000PNI
    "1.3.6.1.4.1.1027.4.1.1.2.1.5": "name",  # mitelIpera3000ClusterName
    "1.3.6.1.4.1.1027.4.1.1.2.4.1.1.1": "name",  # mitelIpera3000ResTblPriSysName
    "1.3.6.1.4.1.1027.4.1.1.2.4.1.1.2": "name",  # mitelIpera3000ResTblPriCEID
    "1.3.6.1.4.1.1027.4.1.1.2.4.1.1.3": "name",  # mitelIpera3000ResTblClusterName
    "1.3.6.1.4.1.1027.4.1.1.2.5.1.1.1.1.4": "label",  # mitelBWMCurrentZAPLabel: towns and offices
    "1.3.6.1.4.1.1027.4.1.1.2.5.1.1.2.1.4": "label",  # mitelBWMCumZAPLabel
    "1.3.6.1.4.1.1027.4.1.1.2.5.1.1.3.1.4": "label",  # the same of the last quarters of an hour
    "1.3.6.1.4.1.1027.4.1.1.2.5.1.1.4.1.4": "label",  # and of the last days
    "1.3.6.1.4.1.9.3.6.3": "serial",  # CISCO chassisId
    "1.3.6.1.4.1.9.9.23.1.2.1.1.4": "label",  # cdpCacheAddress
    "1.3.6.1.4.1.9.9.23.1.2.1.1.6": "name",  # cdpCacheDeviceId
    "1.3.6.1.4.1.9.9.23.1.3.4": "name",  # cdpGlobalDeviceId
    "1.3.6.1.4.1.14179.2.1.1.1.2": "ssid",  # bsnDot11EssSsid
    "1.3.6.1.4.1.14179.2.1.4.1.3": "user",  # bsnMobileStationUserName
    "1.3.6.1.4.1.41112.1.6.1.2.1.6": "ssid",  # unifiVapEssId
    "1.3.6.1.4.1.12356.100.1.1.1": "serial",  # fnSysSerial
    "1.3.6.1.4.1.12356.101.7.4.2.1.3": "serial",  # fgIntfVlanHbEntSerial
    "1.3.6.1.4.1.12356.101.12.2.4.1.3": "user",  # fgVpnSslTunnelUserName
    "1.3.6.1.4.1.12356.101.13.2.1.1.2": "serial",  # fgHaStatsSerial
    "1.3.6.1.4.1.12356.101.13.2.1.1.11": "name",  # fgHaStatsHostname
    "1.3.6.1.4.1.12356.101.13.2.1.1.16": "serial",  # fgHaStatsPrimarySerial
    "1.3.6.1.4.1.25461.2.1.2.1.3": "serial",  # panSysSerialNumber
    "1.3.6.1.4.1.2620.1.6.16.3": "serial",  # svnApplianceSerialNumber
    "1.3.6.1.4.1.2620.1.6.18.2": "serial",  # licensingAsset…
    "1.3.6.1.4.1.2620.1.36.1.5.3.7.1.4": "serial",  # fwSXLFalconsSerialNumber
    "1.3.6.1.4.1.8741.1.3.2.1.1.1.14": "user",  # sonicSAStatUserName
    "1.3.6.1.4.1.8741.2.1.1.2": "serial",  # snwlSysSerialNumber
    "1.3.6.1.4.1.8741.2.1.1.5": "serial",  # snwlSysAssetNumber
    "1.3.6.1.4.1.3097.6.6.2.1": "serial",  # wgHAPeerSerialNumber
    "1.3.6.1.4.1.2636.3.1.3": "serial",  # jnxBoxSerialNo
    "1.3.6.1.4.1.2636.3.1.8.1.7": "serial",  # jnxContentsSerialNo
    "1.3.6.1.4.1.2636.3.63.1.1.1.1.1.5": "serial",  # jnxLicenseKeys
    "1.3.6.1.4.1.11256.1.11.7.1.2": "serial",  # snsFwSerial
    "1.3.6.1.4.1.11256.1.17.1.1.3": "user",  # snsOVPNEntryUser
    "1.3.6.1.4.1.11256.1.18.3": "serial",  # snsSerialNumber
    "1.3.6.1.4.1.1369.6.1.1.10": "serial",  # nodeSerialNumber
    "1.3.6.1.4.1.47565.1.1.1.15": "serial",  # fwDiskSerialNumber
    "1.3.6.1.4.1.47565.1.1.1.19.13": "serial",  # nodeHardwareSerialNumber
    "1.3.6.1.4.1.28557.2.2.1.1": "serial",  # sysSerialNumber
}
"""Objects whose whole value is masked, with what it is."""

NUMBERED = ("1.3.6.1.4.1.1027.4", "1.3.6.1.4.1.5389")
"""Subtrees of telephone systems, in whose texts numbers are those of phones, lines and people."""

HARDWARE = (
    "1.3.6.1.2.1.2.2.1.6",  # ifPhysAddress
    "1.3.6.1.2.1.3.1.1.2",  # atPhysAddress
    "1.3.6.1.2.1.4.22.1.2",  # ipNetToMediaPhysAddress
    "1.3.6.1.2.1.4.35.1.4",  # ipNetToPhysicalPhysAddress
    "1.3.6.1.2.1.17.1.1",  # dot1dBaseBridgeAddress
    "1.3.6.1.2.1.17.4.3.1.1",  # dot1dTpFdbAddress
    "1.3.6.1.4.1.2604.5.1.7.1.1.4",  # sfosDeviceAPMacAddress
    "1.3.6.1.2.1.207.1.1.1.1.5",  # vrrpv3OperationsVirtualMacAddr
)
"""Hardware addresses, which may happen to be printable."""

INDEXES = {
    "1.3.6.1.2.1.3.1.1": "..4",  # atTable: ifIndex, 1, address
    "1.3.6.1.2.1.4.20.1": "4",  # ipAddrTable
    "1.3.6.1.2.1.4.21.1": "4",  # ipRouteTable
    "1.3.6.1.2.1.4.22.1": ".4",  # ipNetToMediaTable: ifIndex, address
    "1.3.6.1.2.1.4.24.7.1": "T",  # inetCidrRouteTable
    "1.3.6.1.2.1.4.34.1": "T",  # ipAddressTable
    "1.3.6.1.2.1.4.35.1": ".T",  # ipNetToPhysicalTable: ifIndex, address
    "1.0.8802.1.1.2.1.4.2.1": "...T",  # lldpRemManAddrTable
    "1.3.6.1.2.1.4.24.4.1": "4.....4",  # ipCidrRouteTable: destination, mask, TOS, next hop
    "1.3.6.1.2.1.6.13.1": "4.4",  # tcpConnTable: address, port, address, port
    "1.3.6.1.2.1.7.5.1": "4",  # udpTable
    "1.3.6.1.2.1.14.10.1": "4",  # ospfNbrTable
    "1.3.6.1.2.1.15.3.1": "4",  # bgpPeerTable
    "1.3.6.1.2.1.17.4.3.1": "6",  # dot1dTpFdbTable
    "1.3.6.1.2.1.17.7.1.2.2.1": ".6",  # dot1qTpFdbTable: filtering database, address
    "1.3.6.1.4.1.1027.4.1.1.2.4.1.1": "S",  # mitelIpera3000ResTbl: name of the primary
}
"""Tables whose index holds addresses or names. After the column, `4` is an IPv4 and `6` a hardware address, `.` another
part, `T` a typed address (InetAddressType and InetAddress of RFC 4001, with or without the length between them), `S` a
name after its length."""


def whole(oid: str) -> str | None:
    """What the whole value of an object is that must be masked, if so."""
    root = within(oid, WHOLE)
    return None if root is None else WHOLE[root]
