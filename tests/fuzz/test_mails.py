"""Mails, mutated: whatever comes is read, and what is kept of it stays within its bounds."""

from __future__ import annotations

from agent.push.letter import KEPT, read_letter
from testbeds.mailing import mail
from testbeds.mutation import mutated


def _corpus() -> tuple[bytes, ...]:
    plain = mail("[Success] B\u00fcro", "one\nTotal size: 1.5 GB\n", at=1_790_000_000.0)
    both = mail(at=1_790_000_000.0)
    both.add_alternative("<table><tr><td>Size<td>1&nbsp;GB</table>", subtype="html")
    both.add_attachment(b"\x00\x01 log", maintype="application", subtype="octet-stream", filename="log.bin")
    outer = mail("Fwd: report", at=1_790_000_000.0)
    outer.add_attachment(both)
    for made, boundary in ((both, "b1"), (outer, "b2")):
        made.set_boundary(boundary)
    odd = (
        b"Subject: =?utf-8?b?w7xiZXI=?= =?iso-8859-1?q?=FCber?=\r\nDate: Mon, 30 Nov 2026 06:00:00 +0000 (GMT)\r\n"
        b"Content-Type: text/plain; charset*0*=utf-8''ut; charset*1=f-8\r\nContent-Transfer-Encoding: x-uuencode\r\n"
        b"Received: from a (b [192.0.2.1]) by c; Mon, 30 Nov 2026 05:00:00 +0000\r\n\r\n"
        b"begin 600 x\r\n#0V%T\r\n`\r\nend\r\n"
    )
    return plain.as_bytes(), both.as_bytes(), outer.as_bytes(), odd


def test_a_mail_is_read_whatever_is_in_it() -> None:
    for octets in mutated(_corpus()):
        letter = read_letter(octets)

        assert len(letter.subject) <= 200
        assert len(letter.text) <= KEPT + 10
        assert letter.left_out >= 0
        assert not any(ord(sign) < 32 and sign != "\n" for sign in letter.text + letter.subject)
        assert letter.dated is None or 0 <= letter.dated < 2**33
