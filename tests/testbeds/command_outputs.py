"""What firewalls that never were print for every command that Ridgeway may send: invented, in the vendors' forms."""

from __future__ import annotations

HA_STATUS = """HA Health Status: OK
Model: FortiGate-100F
Mode: HA A-P
Group: 7
Debug: 0
Cluster Uptime: 12 days 3:04:05
Cluster state change time: 2026-11-03 06:12:44
Primary selected using:
    <2026/11/03 06:12:44> FG100FTK00000001 is selected as the primary because its override priority is larger than peer member FG100FTK00000002.
    <2026/10/28 22:00:09> FG100FTK00000002 is selected as the primary because the value 0 of link-failure + pingsvr-failure is less than peer member FG100FTK00000001.
ses_pickup: enable, ses_pickup_delay=disable
override: enable
Configuration Status:
    FG100FTK00000001(updated 2 seconds ago): in-sync
    FG100FTK00000002(updated 1 seconds ago): in-sync
System Usage stats:
    FG100FTK00000001(updated 2 seconds ago):
        sessions=4211, average-cpu-user/nice/system/idle=3%/0%/2%/95%, memory=41%
    FG100FTK00000002(updated 1 seconds ago):
        sessions=4198, average-cpu-user/nice/system/idle=0%/0%/0%/99%, memory=38%
HBDEV stats:
    FG100FTK00000001(updated 2 seconds ago):
        ha1: physical/1000auto, up, rx-bytes/packets/dropped/errors=1/2/0/0, tx=3/4/0/0
        ha2: physical/1000auto, up, rx-bytes/packets/dropped/errors=1/2/0/0, tx=3/4/0/0
    FG100FTK00000002(updated 1 seconds ago):
        ha1: physical/1000auto, up, rx-bytes/packets/dropped/errors=1/2/0/0, tx=3/4/0/0
        ha2: physical/1000auto, up, rx-bytes/packets/dropped/errors=1/2/0/0, tx=3/4/0/0
MONDEV stats:
    FG100FTK00000001(updated 2 seconds ago):
        wan1: physical/1000auto, up, rx-bytes/packets/dropped/errors=1/2/0/0, tx=3/4/0/0
    FG100FTK00000002(updated 1 seconds ago):
        wan1: physical/1000auto, up, rx-bytes/packets/dropped/errors=1/2/0/0, tx=3/4/0/0
Primary     : fw-hemel-a     , FG100FTK00000001, HA cluster index = 0
Secondary   : fw-hemel-b     , FG100FTK00000002, HA cluster index = 1
number of vcluster: 1
vcluster 1: work 169.254.0.1
Primary: FG100FTK00000001, HA operating index = 0
Secondary: FG100FTK00000002, HA operating index = 1"""  # noqa: E501 - as the device prints it

OUTPUTS: dict[str, str] = {
    "fortios/system-status": """Version: FortiGate-100F v7.4.8,build2795,250523 (GA.M)
Virus-DB: 93.04321(2026-11-28 21:26)
IPS-DB: 31.00321(2026-11-27 02:30)
Serial-Number: FG100FTK00000001
License Status: Valid
Log hard disk: Not available
Hostname: fw-hemel-a
FIPS-CC mode: disable
Current HA mode: a-p, primary
Cluster uptime: 12 days, 3 hours, 4 minutes, 5 seconds
Cluster state change time: 2026-11-03 06:12:44
Branch point: 2795
System time: Sun Nov 29 22:00:00 2026
Last reboot reason: warm reboot""",
    "fortios/ha-status": HA_STATUS,
    "fortios/performance": """CPU states: 3% user 2% system 0% nice 95% idle 0% iowait 0% irq 0% softirq
CPU0 states: 6% user 4% system 0% nice 90% idle 0% iowait 0% irq 0% softirq
CPU1 states: 0% user 0% system 0% nice 100% idle 0% iowait 0% irq 0% softirq
Memory: 3952148k total, 1620380k used (41.0%), 1900000k free (48.1%), 431768k freeable (10.9%)
Average network usage: 812 / 640 kbps in 1 minute, 700 / 600 kbps in 10 minutes, 650 / 600 kbps in 30 minutes
Average sessions: 4211 sessions in 1 minute, 4100 sessions in 10 minutes, 4000 sessions in 30 minutes
Average session setup rate: 37 sessions per second in last 1 minute, 30 sessions per second in last 10 minutes
Virus caught: 0 total in 1 minute
IPS attacks blocked: 0 total in 1 minute
Uptime: 12 days,  3 hours,  4 minutes""",
    "fortios/conserve": """memory conserve mode:                        off
total RAM:                                   3859 MB
memory used:                                 1582 MB   41% of total RAM
memory freeable:                              421 MB   10% of total RAM
memory used + freeable threshold extreme:    3666 MB   95% of total RAM
memory used threshold red:                   3396 MB   88% of total RAM
memory used threshold green:                 3164 MB   82% of total RAM""",
    "fortios/tunnels": """'to-watford' 192.0.2.20:0  selectors(total,up): 1/1  rx(pkt,err): 1921/0  tx(pkt,err): 69/2
'to-data-centre' 2001:db8::20:0  selectors(total,up): 2/1  rx(pkt,err): 1/0  tx(pkt,err): 6/2
'to-depot' 192.0.2.30:0  selectors(total,up): 1/0  rx(pkt,err): 0/0  tx(pkt,err): 0/0""",
    "fortios/checksums": """================== FG100FTK00000001 ==================

is_manage_primary()=1, is_root_primary()=1
debugzone
global: 4a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 11
all: 4a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 12

checksum
global: 4a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 11
root: 55 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 13
all: 4a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 12

================== FG100FTK00000002 ==================

is_manage_primary()=0, is_root_primary()=0
debugzone
global: 4a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 11
all: 4a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 12

checksum
global: 4a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 11
root: 99 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 13
all: 9a 2b 00 10 4a 2b 00 10 4a 2b 00 10 4a 2b 00 12""",
    "panos/ha": """Group 1:
  Mode: Active-Passive
  Local Information:
    Version: 1
    Mode: Active-Passive
    State: passive (last 3 hours)
    Last non-functional state reason: Link down
    Device Information:
      Model: PA-850
      Management IPv4 Address: 192.0.2.12/24
    HA1 Control Links Joint Configuration:
      Link Monitor Interval: 3000 ms
      Encryption Enabled: no
    HA1 Control Link Information:
      IP Address: 198.51.100.2/30
      Interface: dedicated-ha1
      Link State: Up; Setting: 1Gb/s-full
    HA2 Data Link Information:
      Interface: dedicated-ha2
      Link State: Down; Setting: Auto
    Election Option Information:
      Priority: 100
      Preemptive: no
    Version Information:
      Build Release: 10.2.9-h1
    Version Compatibility:
      Software Version: Match
      Application Content Compatibility: Match
      Anti-Virus Compatibility: Mismatch
      Threat Content Compatibility: Match
    State Synchronization: Complete; type: ethernet
  Peer Information:
    Connection status: up
    Version: 1
    Mode: Active-Passive
    State: active (last 3 hours)
    Device Information:
      Model: PA-850
    Election Option Information:
      Priority: 50
      Preemptive: no
    Version Information:
      Build Release: 10.2.9-h1
  Link Monitoring Information:
    Enabled: yes
    Failure condition: any
    Group uplinks:
      Enabled: yes
      Failure condition: any
      Interface ethernet1/1: up
      Interface ethernet1/2: down
  Path Monitoring Information:
    Enabled: no
  Configuration Synchronization:
    Enabled: yes
    Running Configuration: not synchronized""",
    "panos/system": """hostname: fw-watford
ip-address: 192.0.2.12
time: Sun Nov 29 22:00:00 2026
uptime: 41 days, 2:38:49
family: 800
model: PA-850
serial: 012345678901
sw-version: 10.2.9-h1
app-version: 8900-9000
app-release-date: 2026/11/25 02:11:03 GMT
av-version: 4900-5400
av-release-date: 2026/11/28 12:00:41 GMT
threat-version: 8900-9000
threat-release-date: 2026/11/25 02:11:03 GMT
wildfire-version: 0
wildfire-release-date: unknown
multi-vsys: off
operational-mode: normal""",
    "panos/sessions": """target-dp: *.dp0
--------------------------------------------------------------------------------
Number of sessions supported:                    196606
Number of allocated sessions:                    8123
Number of active TCP sessions:                   6004
Session table utilization:                       4%
Number of sessions created since bootup:         94321432
Packet rate:                                     3211/s
Throughput:                                      15132 kbps
New connection establish rate:                   41 cps
--------------------------------------------------------------------------------""",
    "panos/licences": """Current GMT Date: November 29, 2026

License entry:
Feature: Threat Prevention
Description: Threat Prevention
Serial: 012345678901
Issued: January 13, 2024
Expires: January 13, 2027
Expired?: no

License entry:
Feature: GlobalProtect Portal
Description: GlobalProtect Portal License
Serial: 012345678901
Issued: March 08, 2017
Expires: Never
Expired?: no""",
    "panos/jobs": """Enqueued              Dequeued           ID  PositionInQ                              Type                         Status Result Completed
------------------------------------------------------------------------------------------------------------------------------------------
2026/11/29 02:00:06   02:00:06          815                                         Downld                            FIN     OK 02:00:30
2026/11/28 02:00:06   02:00:06          814                                         Downld                            FIN   FAIL 02:00:08
2026/11/27 10:15:00   10:15:00          813                                         Commit                            FIN   FAIL 10:16:22""",  # noqa: E501 - as the device prints it
    "panos/paths": """--------------------------------------------------------------------------------
total paths monitored :                         2
hold time to send probe packets :               1000 ms
  (after device becomes active)
--------------------------------------------------------------------------------
grp/name/type             destination     suc/total rtt min/max/avg (ms) probe cnt/interval(ms)
--------------------------------------------------------------------------------
WAN/vr-main/virtual-router 192.0.2.1       10/10     3.66/4.19/3.90      10/1000
WAN/vr-main/virtual-router 198.51.100.1    0/10      0.00/0.00/0.00      10/1000
--------------------------------------------------------------------------------""",
    "panos/environmentals": """
----Thermal----
Slot   Description                       Alarm     Degrees C   Min   Max
S1     Temperature near CPU              False     46.50       0.0   80.0
S1     Temperature near Switch           True      81.50       0.0   80.0

----Fans----
Slot   Description                       Alarm     RPMs        Min
S1     Fan #1 RPM                        False     5400        1500

----Power----
Slot   Description                       Alarm     Volts       Min   Max
S1     Power Rail #1 12V                 False     12.10       11.0  13.0

----Power Supplies----
Slot   Description                       Alarm     Inserted
S1     Power Supply #1 (left)            False     True
S1     Power Supply #2 (right)           True      False""",
    "asa/failover": """Failover On
Failover unit Primary
Failover LAN Interface: folink GigabitEthernet0/7 (up)
Reconnect timeout 0:00:00
Unit Poll frequency 1 seconds, holdtime 15 seconds
Monitored Interfaces 2 of 1299 maximum
Version: Ours 9.16(4)57, Mate 9.16(4)57
Serial Number: Ours JAD00000001, Mate JAD00000002
Last Failover at: 19:05:55 GMT Jan 26 2026
        This host: Primary - Active
                Active time: 29083269 (sec)
                slot 0: ASA5525 hw/sw rev (1.0/9.16(4)57) status (Up Sys)
                  Interface outside (192.0.2.2): Normal (Monitored)
                  Interface guests (10.9.0.2): No Link (Not-Monitored)
        Other host: Secondary - Standby Ready
                Active time: 258 (sec)
                slot 0: ASA5525 hw/sw rev (1.0/9.16(4)57) status (Up Sys)
                  Interface outside (192.0.2.3): Normal (Monitored)
                  Interface guests (10.9.0.3): No Link (Not-Monitored)

Stateful Failover Logical Update Statistics
        Link : state GigabitEthernet0/6 (up)
        Stateful Obj    xmit       xerr       rcv        rerr
        General         22111      0          4156       70""",
    "asa/failover-state": """               State          Last Failure Reason      Date/Time
This host  -   Primary
               Active         None
Other host -   Secondary
               Standby Ready  Comm Failure             15:18:11 UTC Feb 20 2026

====Configuration State===
        Sync Done
====Communication State===
        Mac set""",
    "asa/version": """Cisco Adaptive Security Appliance Software Version 9.16(4)57
Device Manager Version 7.18(1)

Compiled on Mon 15-Apr-24 19:00 GMT by builders
fw-depot up 41 days 19 hours
failover cluster up 87 days 15 hours

Hardware:   ASA5525, 8192 MB RAM, CPU Lynnfield 2393 MHz, 1 CPU (4 cores)

Serial Number: JAD00000001
Configuration last modified by ops at 18:56:48.410 UTC Wed Nov 4 2026""",
    "asa/cpu": "CPU utilization for 5 seconds = 11%; 1 minute: 9%; 5 minutes: 8%",
    "asa/memory": """Free memory:        3209183232 bytes (75%)
Used memory:        1085784064 bytes (25%)
-------------     ------------------
Total memory:       4294967296 bytes (100%)""",
    "asa/connections": "5802 in use, 32491 most used",
    "asa/resources": """Resource              Current         Peak      Limit        Denied Context
SSH                         1            2          5             0 System
Conns                    9200        32491      10000            12 System
Hosts                    2085         7120        N/A             0 System""",
    "asa/vpn-sessions": """---------------------------------------------------------------------------
VPN Session Summary
---------------------------------------------------------------------------
                               Active : Cumulative : Peak Concur : Inactive
                             ----------------------------------------------
AnyConnect Client            :     38 :     330351 :         442 :        2
  SSL/TLS/DTLS               :     38 :     330351 :         442 :        2
---------------------------------------------------------------------------
Total Active and Inactive    :     40             Total Cumulative : 330351
Device Total VPN Capacity    :    750
Device Load                  :     5%
---------------------------------------------------------------------------
Tunnels Summary
---------------------------------------------------------------------------
AnyConnect-Parent            :     38 :     330351 :             442""",
    "asa/licences": """Smart Licensing Status
======================

Smart Licensing is ENABLED

Registration:
  Status: REGISTERED
  Smart Account: Partnership
  Registration Expires: Oct 03 2027 16:37:44 UTC

License Authorization:
  Status: OUT OF COMPLIANCE on Nov 03 16:43:56 2026 UTC
  Last Communication Attempt: SUCCEEDED on Nov 28 16:43:56 2026 UTC""",
    "gaia/cluster-state": """Cluster Mode:   High Availability (Active Up) with IGMP Membership

ID         Unique Address  Assigned Load   State          Name

1 (local)  10.231.149.1    100%            ACTIVE(!)      gw-forum-a
2          10.231.149.2    0%              STANDBY        gw-forum-b


Active PNOTEs: IAC

Last member state change event:
   Event Code:                 CLUS-110305
   State change:               ACTIVE -> ACTIVE(!)
   Reason for state change:    Interface eth3 is down (disconnected / link down)
   Event time:                 Sun Nov 29 12:02:33 2026

Cluster failover count:
   Failover counter:           3
   Time of counter reset:      Wed Mar 12 00:32:50 2026 (reboot)""",
    "gaia/critical-devices": """Built-in Devices:

Device Name: Interface Active Check
Current state: problem

Registered Devices:

Device Name: Synchronization
Registration number: 0
Timeout: none
Current state: OK
Time since last report: 3 days""",
    "gaia/cluster-interfaces": """CCP mode: Manual (Unicast)
Required interfaces: 3
Required secured interfaces: 1

Interface Name:      Status:

eth0                 UP
eth1 (S)             UP
eth3                 DOWN (12 secs)

S - sync, LM - link monitor, HA/LS - bond type

Virtual cluster interfaces: 2

eth0           192.0.2.1
eth3           198.51.100.1""",
    "gaia/policy": """HOST      POLICY     DATE
localhost Forum-Policy 28Nov2026 16:34:20 :  [>eth0] [<eth0] [>eth3] [<eth3]""",
    "gaia/asset": """Platform: PH-20-00
Model: Check Point 6200
Serial Number: LR202600000000
Power supply 1 name: Power Supply #1
Power supply 1 status: Up
Power supply 2 name: Power Supply #2
Power supply 2 status: Down
AC Present: No""",
    "gaia/version": """Product version Check Point Gaia R81.20
OS build 627
OS kernel version 3.10.0-1160.15.2cpx86_64
OS edition 64-bit""",
    "gaia/capacity": """System Capacity Summary:
  Memory used: 12% (1880 MB out of 15621 MB) - below watermark
  Concurrent Connections: 38% (9500 out of 24900) - below watermark
  Aggressive Aging is enabled, not active

Sync:
        Version: new
        Status: Able to Send/Receive sync packets
        Sync packets sent:""",
    "gaia/licences": """Host             Expiration  Features
192.0.2.10       never       CPSG-C-2-U CPSB-FW CPSB-VPN CK-000000000001
192.0.2.10       10Jan2027   CPSB-IPS-S CK-000000000002""",
    "srx/cluster-status": """Monitor Failure codes:
    CS  Cold Sync monitoring        FL  Fabric Connection monitoring
    IF  Interface monitoring        IP  IP monitoring

Cluster ID: 1
Node   Priority Status               Preempt Manual   Monitor-failures

Redundancy group: 0 , Failover count: 1
node0  200      primary              no      no       None
node1  100      secondary            no      no       None

Redundancy group: 1 , Failover count: 3
node0  200      primary              yes     no       None
node1  0        secondary            yes     no       IF

{primary:node0}""",
    "srx/cluster-interfaces": """Control link status: Up

Control interfaces:
    Index   Interface   Monitored-Status   Internal-SA   Security
    0       em0         Up                 Disabled      Disabled

Fabric link status: Up

Fabric interfaces:
    Name    Child-interface    Status                    Security
                               (Physical/Monitored)
    fab0    ge-0/0/2           Up   / Up                 Disabled
    fab0
    fab1    ge-5/0/2           Up   / Down               Disabled
    fab1

Redundant-ethernet Information:
    Name         Status      Redundancy-group
    reth0        Up          1
    reth1        Down        Not configured

Interface Monitoring:
    Interface         Weight    Status                    Redundancy-group
                                (Physical/Monitored)
    ge-0/0/4          255       Up        1
    ge-5/0/4          255       Down      1

{primary:node0}""",
    "srx/monitoring": """node0:
--------------------------------------------------------------------------
                  Flow session   Flow session     CP session     CP session
FPC PIC CPU Mem        current        maximum        current        maximum
  0   0   7  61           4211         262144            N/A            N/A

node1:
--------------------------------------------------------------------------
                  Flow session   Flow session     CP session     CP session
FPC PIC CPU Mem        current        maximum        current        maximum
  0   0   1  60           4198         262144            N/A            N/A""",
    "srx/uptime": """Current time: 2026-11-29 22:00:00 GMT
Time Source:  NTP CLOCK
System booted: 2026-03-29 13:32:05 GMT (35w0d 08:27 ago)
Protocols started: 2026-03-29 13:37:11 GMT (35w0d 08:22 ago)
Last configured: 2026-07-13 16:35:35 GMT (19w6d 05:24 ago) by ops
10:00PM  up 245 days, 8:28, 2 users, load averages: 0.04, 0.04, 0.01""",
    "srx/alarms": """2 alarms currently active
Alarm time               Class  Description
2026-11-01 10:00:00 GMT  Minor  Rescue configuration is not set
2026-11-20 03:12:44 GMT  Major  PEM 1 Not Powered""",
    "srx/licences": """License usage:
                                 Licenses     Licenses    Licenses    Expiry
  Feature name                       used    installed      needed
  idp-sig                               1            1           0    2027-01-10 00:00:00 UTC
  remote-access-ipsec-vpn-client        2            2           0    permanent
  anti_spam_key_sbl                     1            0           1    invalid

Licenses installed: none""",
    "srx/version": """node0:
--------------------------------------------------------------------------
Hostname: srx-depot-a
Model: srx345
Junos: 21.4R3-S5.4
JUNOS OS Kernel 64-bit  [20230822.01]

node1:
--------------------------------------------------------------------------
Hostname: srx-depot-b
Model: srx345
Junos: 21.4R3-S4.9""",
    "vyos/vrrp": """Name         Interface      VRID  State      Priority  Last Transition
-----------  -----------  ------  -------  ----------  -----------------
int          eth1.10          10  MASTER          200  1h17m
ext          eth0             20  FAULT           200  3m2s""",
    "vyos/memory": """Total: 7.68 GB
Free:  5.94 GB
Used:  1.74 GB""",
    "vyos/version": """Version:          VyOS 1.4.0
Release train:    sagitta

Hardware vendor:  Supermicro
Hardware model:   SYS-5018D
Hardware S/N:     S000000001""",
    "pfsense/interfaces": """igb0: flags=8943<UP,BROADCAST,RUNNING,PROMISC,SIMPLEX,MULTICAST> metric 0 mtu 1500
\toptions=8100b8<VLAN_MTU,VLAN_HWTAGGING>
\tinet 192.0.2.2 netmask 0xffffff00 broadcast 192.0.2.255
\tinet 192.0.2.1 netmask 0xffffff00 broadcast 192.0.2.255 vhid 1
\tcarp: MASTER vhid 1 advbase 1 advskew 0
\tmedia: Ethernet autoselect (1000baseT <full-duplex>)
\tstatus: active
igb1: flags=8943<UP,BROADCAST,RUNNING,PROMISC,SIMPLEX,MULTICAST> metric 0 mtu 1500
\tcarp: INIT vhid 2 advbase 1 advskew 0
\tstatus: no carrier
lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> metric 0 mtu 16384
\tinet 127.0.0.1 netmask 0xff000000""",
    "pfsense/demotion": "net.inet.carp.demotion: 240",
    "pfsense/filter": """Status: Enabled for 12 days 03:04:05          Debug: Urgent

State Table                          Total             Rate
  current entries                     4211
  searches                       123456789          117.6/s
Counters
  match                            1234567            1.2/s
  memory                                 3            0.0/s""",
    "pfsense/limits": """states        hard limit   403000
src-nodes     hard limit   403000
frags         hard limit     5000""",
}
"""By parser: an output that it understands."""
