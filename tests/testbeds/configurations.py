"""Configurations of firewalls that never were, one for each syntax, with places for the secrets that stand in such.

In the texts `{s}` stands for a secret, `{salt}` for what a device adds to it at each export, `{v}` for what changes by
itself, and `{host}`, `{own}`, `{priority}` for what is a member's own.
"""

from __future__ import annotations

FORTIOS = """#config-version=FGT61F-7.4.3-FW-build2573-240201:opmode=0:vdom=0:user=ridgeway
#conf_file_ver=1142{v}
#buildno=2573
#global_vdom=1
config system global
    set admintimeout 15
    set hostname "{host}"
    set timezone "Europe/London"
end
config system interface
    edit "wan1"
        set vdom "root"
        set ip 198.51.100.2 255.255.255.0
        set allowaccess ping
    next
    edit "internal"
        set ip 192.0.2.1 255.255.255.0
    next
end
config system snmp community
    edit 1
        set name "{s}"
        config hosts
            edit 1
                set ip 192.0.2.9 255.255.255.255
            next
        end
    next
end
config system admin
    edit "ops"
        set accprofile "super_admin"
        set vdom "root"
        set password ENC {salt}{s}
    next
end
config system ha
    set group-name "ridge"
    set mode a-p
    set password ENC {salt}{s}
    set priority {priority}
end
config vpn certificate local
    edit "portal"
        set password ENC {salt}{s}
        set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----
{salt}{s}
-----END ENCRYPTED PRIVATE KEY-----"
    next
end
config vpn ipsec phase1-interface
    edit "council"
        set keylife 86400
        set psksecret ENC {salt}{s}
    next
end
config user radius
    edit "nps"
        set server "192.0.2.20"
        set secret {s}
    next
end
config firewall policy
    edit 1
        set name "web out"
        set uuid 00000000-0000-51ee-0000-0000000{v}
        set srcintf "internal"
        set action accept
    next
    edit 2
        set name "block rest"
        set action deny
    next
end
"""

ASA = """: Saved

: Serial Number: JAD000{v}
: Written by ops at 09:00:0{v} UTC Mon Nov 2 2026
:
ASA Version 9.16(4)
!
hostname {host}
enable password {s} pbkdf2
passwd {s} encrypted
names
!
interface GigabitEthernet0/0
 nameif outside
 security-level 0
 ip address 198.51.100.2 255.255.255.0 standby 198.51.100.3
 ospf message-digest-key 1 md5 8 {s}
!
access-list OUTSIDE extended permit tcp any object-group password-servers eq 443
access-list OUTSIDE extended deny ip any any
failover lan unit {unit}
failover key {s}
snmp-server host inside 192.0.2.9 community {s} version 2c
snmp-server community {s}
snmp-server user mon grp v3 encrypted auth sha {s} priv aes 128 {s}
aaa-server NPS protocol radius
aaa-server NPS (inside) host 192.0.2.20
 key {s}
 radius-common-pw {s}
aaa-server AD (inside) host 192.0.2.21
 ldap-login-password {s}
crypto ikev1 policy 10
 hash sha
 lifetime 86400
username ops password {s} pbkdf2 privilege 15
tunnel-group 203.0.113.5 type ipsec-l2l
tunnel-group 203.0.113.5 ipsec-attributes
 ikev1 pre-shared-key {s}
 ikev2 remote-authentication pre-shared-key {s}
 ikev2 local-authentication pre-shared-key 0 {s}
ntp authentication-key 100 md5 {s}
ntp clock-period 1718{v}
Cryptochecksum:0f0f0f0f0f{v}
: end
"""

JUNOS = """## Last commit: 2026-11-0{v} 09:00:00 GMT by ops
version 21.4R3.15;
system {{
    host-name {host};
    root-authentication {{
        encrypted-password "$6${salt}${s}"; ## SECRET-DATA
        ssh-rsa "ssh-rsa AAAAB3NzaC1yc2E{s} ops@forum"; ## SECRET-DATA
    }}
    radius-server {{
        192.0.2.20 {{
            port 1812;
            secret "$9${salt}{s}"; ## SECRET-DATA
        }}
    }}
    login {{
        user ops {{
            class super-user;
        }}
    }}
}}
snmp {{
    community {s} {{
        authorization read-only;
    }}
}}
security {{
    ike {{
        policy council {{
            mode main;
            pre-shared-key ascii-text "{s}"; ## SECRET-DATA
        }}
    }}
    policies {{
        from-zone trust to-zone untrust {{
            policy web {{
                match {{
                    source-address any;
                }}
                then {{
                    permit;
                }}
            }}
            policy rest {{
                then {{
                    deny;
                }}
            }}
        }}
    }}
}}
protocols {{
    ospf {{
        area 0.0.0.0 {{
            interface ge-0/0/1.0 {{
                authentication {{
                    md5 1 key "{s}"; ## SECRET-DATA
                }}
            }}
        }}
    }}
}}
"""

GAIA = """#
# Configuration of {host}
# Language version: 14.1v1
#
# Exported by ops on Mon Nov  2 09:00:0{v} 2026
#
set hostname {host}
set expert-password-hash $1${salt}${s}
set user ops newpass x password-hash $6${salt}${s}
set snmp community {s} read-only
set snmp usm user mon security-level authPriv auth-pass-phrase-hashed {s} privacy-pass-phrase-hashed {s}
add aaa radius-servers priority 1 host 192.0.2.20 port 1812 secret {s} timeout 3
set ospf interface eth1 authtype md5 key 1 secret {s}
set interface eth0 ipv4-address {own} mask-length 24
set interface eth0 state on
set static-route default nexthop gateway address 192.0.2.254 on
set ntp server primary 192.0.2.30 version 4
"""

PANOS = """<response status="success"><result><config version="10.2.0" urldb="paloaltonetworks">
  <mgt-config>
    <users>
      <entry name="ops">
        <phash>$5${salt}${s}</phash>
        <public-key>{s}</public-key>
        <permissions><role-based><superuser>yes</superuser></role-based></permissions>
      </entry>
    </users>
  </mgt-config>
  <devices>
    <entry name="localhost.localdomain">
      <deviceconfig>
        <system>
          <hostname>{host}</hostname>
          <snmp-setting><access-setting><version><v2c><snmp-community-string>{s}</snmp-community-string></v2c></version></access-setting></snmp-setting>
        </system>
      </deviceconfig>
      <network>
        <ike><gateway><entry name="council">
          <authentication><pre-shared-key><key>-AQ=={salt}{s}</key></pre-shared-key></authentication>
        </entry></gateway></ike>
      </network>
      <vsys>
        <entry name="vsys1">
          <rulebase><security><rules>
            <entry name="web out" uuid="00000000-{v}"><action>allow</action><member>password-servers</member></entry>
            <entry name="rest"><action>deny</action></entry>
          </rules></security></rulebase>
        </entry>
      </vsys>
    </entry>
  </devices>
</config></result></response>
"""

VYOS = """set firewall ipv4 name WAN-IN default-action 'drop'
set firewall ipv4 name WAN-IN rule 10 action 'accept'
set firewall ipv4 name WAN-IN rule 20 description 'password servers'
set interfaces ethernet eth0 address '{own}/24'
set interfaces ethernet eth0 description 'wan'
set interfaces wireguard wg0 private-key '{s}'
set interfaces wireguard wg0 peer council preshared-key '{s}'
set service https api keys id ops key '{s}'
set service snmp community {s} authorization 'ro'
set system host-name '{host}'
set system login user ops authentication encrypted-password '$6${salt}${s}'
set system login user ops authentication plaintext-password '{s}'
set system login user ops authentication public-keys ops@forum key '{s}'
set system ntp server 192.0.2.30
set vpn ipsec authentication psk council secret '{s}'
set vpn l2tp remote-access authentication radius server 192.0.2.20 key '{s}'
"""

PFSENSE = """<?xml version="1.0"?>
<pfsense>
  <version>22.9</version>
  <lastchange>{v}</lastchange>
  <system>
    <hostname>{host}</hostname>
    <timezone>Europe/London</timezone>
    <user>
      <name>admin</name>
      <bcrypt-hash>$2y$10${salt}{s}</bcrypt-hash>
      <authorizedkeys>{s}</authorizedkeys>
      <ipsecpsk>{s}</ipsecpsk>
    </user>
  </system>
  <interfaces><wan><if>em0</if><ipaddr>{own}</ipaddr></wan></interfaces>
  <snmpd><rocommunity>{s}</rocommunity></snmpd>
  <hasync><password>{s}</password><synchronizetoip>{own}</synchronizetoip></hasync>
  <ipsec><phase1><ikeid>1</ikeid><pre-shared-key>{s}</pre-shared-key></phase1></ipsec>
  <openvpn><openvpn-server><tls>{s}</tls><shared_key>{s}</shared_key></openvpn-server></openvpn>
  <filter>
    <rule><type>pass</type><descr><![CDATA[web out]]></descr><updated><time>1{v}</time></updated></rule>
    <rule><type>block</type><descr><![CDATA[rest]]></descr></rule>
  </filter>
  <cert><refid>5f0</refid><prv>{s}</prv></cert>
  <revision><time>{v}</time><username>ops</username></revision>
</pfsense>
"""

NFTABLES = """table inet filter {{
\tset blocked {{
\t\ttype ipv4_addr
\t\telements = {{ 198.51.100.7,
\t\t\t     198.51.100.8 }}
\t}}

\tchain input {{
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept
\t\ttcp dport {{ 22, 443 }} accept comment "{{ not a brace"
\t}}
}}
"""

KEEPALIVED = """! written by {host}
global_defs {{
    router_id {host}
}}
vrrp_instance council {{
    interface eth0
    state BACKUP
    priority {priority}
    virtual_router_id 51
    authentication {{
        auth_type PASS
        auth_pass {s}
    }}
    virtual_ipaddress {{
        192.0.2.1/24
    }}
}}
"""

TEXTS = {
    "fortios": FORTIOS, "asa": ASA, "junos": JUNOS, "gaia": GAIA, "panos": PANOS, "vyos": VYOS, "pfsense": PFSENSE,
    "opnsense": PFSENSE.replace("pfsense>", "opnsense>"), "nftables": NFTABLES, "keepalived": KEEPALIVED,
}  # fmt: skip
"""By syntax."""
MOVED = {
    "fortios": ("web out", "block rest"),
    "asa": ("permit tcp any object-group password-servers eq 443", "deny ip any any"),
    "junos": ("policy web", "policy rest"),
    "panos": ("web out", "rest"),
    "pfsense": ("web out", "rest"),
    "opnsense": ("web out", "rest"),
    "nftables": ("ct state established,related accept", "tcp dport {{ 22, 443 }} accept comment"),
    "vyos": ("rule 10 action", "rule 20 description"),
}
"""Two things of the filter that stand one after the other, by syntax."""


def text_of(
    syntax: str, secret: str = "Bridgewater77", *, salt: str = "saLt0aB1", export: int = 1, member: int = 1
) -> str:
    """A configuration: of another `export` what is volatile differs, of another `member` what is each one's own."""
    return TEXTS[syntax].format(
        s=secret, salt=salt, v=export, host=f"fw-{member}", priority=100 * member, own=f"192.0.2.{member}",
        unit="primary" if member == 1 else "secondary",
    )  # fmt: skip


def with_moved_rule(syntax: str) -> str:
    """The same with two rules the other way round."""
    first, second = (each.format() for each in MOVED[syntax])
    text = text_of(syntax)
    return text.replace(first, "\x00").replace(second, first).replace("\x00", second)
