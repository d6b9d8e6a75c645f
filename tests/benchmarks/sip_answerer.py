"""`python sip_answerer.py HOST PORT`: answer every SIP request with 200, from the very address that it was sent to."""

from __future__ import annotations

import re
import socket
import sys

_REPEATED = re.compile(rb"^(?:Via|From|To|Call-ID|CSeq):.*\r\n", re.MULTILINE)
_PKTINFO = 8
"""IP_PKTINFO of Linux, for which Python has no name."""


def answer(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.IPPROTO_IP, _PKTINFO, 1)
        one.bind((host, port))
        while True:
            data, ancillary, _, sender = one.recvmsg(8192, 64)
            one.sendmsg(
                [b"SIP/2.0 200 OK\r\n", *_REPEATED.findall(data), b"Content-Length: 0\r\n\r\n"], ancillary, 0, sender
            )


if __name__ == "__main__":
    answer(sys.argv[1], int(sys.argv[2]))
