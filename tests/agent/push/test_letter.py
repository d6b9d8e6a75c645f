"""Mails as programs and hostile senders write them: what is read is bounded, and nothing that comes raises."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.push.letter import KEPT, TOLERANCE, Letter, read_letter, sent_at
from checks.transports.inbox import OLDEST
from testbeds.mailing import mail

NOW = 1_790_000_000.0
DATE = b"Date: Mon, 30 Nov 2026 06:00:00 +0000\r\n"
DATED = 1_796_018_400.0


def test_a_plain_mail_is_read() -> None:
    letter = read_letter(mail("[Success] Büro", "one\n\n\n two\tthree \n", at=DATED).as_bytes())

    assert letter == Letter(
        "[Success] Büro", "one\n\ntwo three", 0, DATED, letter.id, "nas@forum.example", automatic=False
    )  # fmt: skip
    assert len(letter.id) == 32


def test_text_is_preferred_and_attachments_are_no_text() -> None:
    made = mail(text="the text\n")
    made.add_alternative("<p>the page</p>", subtype="html")
    made.add_attachment("an attached failure", filename="log.txt")

    assert read_letter(made.as_bytes()).text == "the text"


def test_a_page_is_read_as_lines() -> None:
    page = (
        "<html><head><style>p {}</style></head><body><p>Size <b>1&nbsp;GB</b><br>a &lt; b<script>x</script><!-- y -->"
    )

    assert read_letter(b"Content-Type: text/html\r\n\r\n" + page.encode()).text == "Size 1 GB\na < b"


@pytest.mark.parametrize(
    "head",
    [b"Content-Type: text/plain; charset=iso-8859-1", b"Content-Type: text/plain; charset=windows-1252"],
)
def test_charsets_of_old_programs_are_read(head: bytes) -> None:
    assert read_letter(head + b"\r\n\r\nB\xfcro").text == "Büro"


@pytest.mark.parametrize(
    "charset", [b"punycode", b"nonsense", b"unicode_escape", b"\xff", b"utf-7", b"zlib", b"a" * 900]
)
def test_charsets_that_are_lies_cost_characters_and_no_more(charset: bytes) -> None:
    assert read_letter(b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\nplain text").text == "plain text"


def test_what_is_no_base64_is_counted_as_left_out_or_read_as_far_as_it_is() -> None:
    head = b"Content-Transfer-Encoding: base64\r\n\r\n"

    assert read_letter(head + base64.b64encode(b"fine")).text == "fine"
    assert read_letter(head + b"!!! not at all !!!").left_out >= 0


def test_of_a_long_text_both_ends_are_kept_and_the_rest_is_counted() -> None:
    text = "".join(f"line {number}\n" for number in range(5000))

    letter = read_letter(mail(text=text).as_bytes())

    assert letter.text.startswith("line 0\n")
    assert letter.text.endswith("line 4999")
    assert len(letter.text) <= KEPT + 10
    assert letter.left_out > 0


@pytest.mark.parametrize(
    "octets",
    [
        b"Subject: x\r\n" + b"A: b\r\n" * 100_000 + b"\r\ntext",
        b"Subject: x\r\n\r\n" + b"\r\n" * 500_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300)),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nA: b\r\n\r\n" * 60_000,
    ],
)
def test_what_is_too_deep_too_many_or_too_long_is_not_read_and_that_is_said(octets: bytes) -> None:
    letter = read_letter(octets)

    assert letter.left_out > 0
    assert letter.text == ""


@pytest.mark.parametrize(
    "name", ["Subject", "From", "Date", "Message-ID", "Content-Type", "Content-Disposition", "Received"]
)
@pytest.mark.parametrize(
    "value", ["(" * 900, "<@" * 450, '"\\' * 450, "a," * 450, "=?x?b?" * 150, "=?utf-8?b?=?=", ";" * 900]
)
def test_headers_that_undo_the_librarys_readers_are_read(name: str, value: str) -> None:
    letter = read_letter(f"{name}: {value}\r\n\r\ntext".encode())

    assert letter.text == "text" or name.startswith("Content-")
    assert len(letter.subject) <= 200


def test_a_page_that_is_nothing_but_open_quotes_is_read_in_no_time() -> None:
    assert read_letter(b"Content-Type: text/html\r\n\r\n" + b"<a b='" * 100_000).left_out > 0


@pytest.mark.parametrize(
    ("header", "automatic"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("Auto-Submitted: auto-replied (vacation)", False),
        ("Auto-Submitted: auto-replied; owner=x", True),
        ("Auto-Submitted: auto-generated", False),
        ("Auto-Submitted: no", False),
        ("Precedence: auto_reply", True),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=x", True),
    ],
)
def test_answers_of_machines_are_told_from_what_machines_report(header: str, automatic: bool) -> None:
    assert read_letter(f"{header}\r\n\r\n--x\r\n\r\ntext".encode()).automatic is automatic


def test_the_oldest_moment_that_a_mail_names_is_told() -> None:
    received = b"Received: from a by b; Sun, 29 Nov 2026 06:00:00 +0000\r\n"

    assert read_letter(DATE + b"\r\n").dated == DATED
    assert read_letter(received + DATE + b"\r\n").dated == DATED - 86_400
    assert read_letter(b"Date: tomorrow\r\n\r\n").dated is None
    assert read_letter(b"Date: Mon, 30 Nov 2026 06:00:00\r\n\r\n").dated == DATED
    assert read_letter(b"Date: Mon, 30 Nov 999999 06:00:00 +9999\r\n\r\n").dated is None


def test_the_older_moment_counts_within_bounds_and_never_the_future() -> None:
    assert sent_at(None, NOW) == NOW
    assert sent_at(NOW + 86_400, NOW) == NOW
    assert sent_at(NOW - TOLERANCE + 1, NOW) == NOW
    assert sent_at(NOW - 3 * 86_400, NOW) == NOW - 3 * 86_400
    assert sent_at(NOW - OLDEST - 1, NOW) == NOW


def test_the_same_mail_by_another_way_has_the_same_id_and_another_one_has_not() -> None:
    def id_of(
        subject: str = "a", received: bytes = b"", at: float = DATED, text: str = "x", name: str = "<1@nas>"
    ) -> str:
        return read_letter(received + mail(subject, text, at=at, Message_ID=name).as_bytes()).id

    again = id_of(received=b"Received: from a by b; Sun, 29 Nov 2026 06:00:00 +0000\r\n")

    assert again == id_of()
    others = {id_of("b"), id_of(at=DATED + 1), id_of(text="y"), id_of(name="<2@nas>")}
    assert len(others | {again}) == 5


def test_a_mail_without_a_date_could_be_any_of_its_kind_and_has_no_id() -> None:
    made = EmailMessage()
    made["Message-ID"] = "<always-the-same@nas>"
    made["Subject"] = "Success"

    assert read_letter(made.as_bytes()).id == ""


_VALUES = (
    "multipart/mixed; boundary=b", "multipart/report", "message/rfc822", "text/html; charset=utf-16", "base64",
    "quoted-printable", "x-uuencode", "=?utf-8?b?w7w=?=", "=?x-no?q?=ff?=", "Mon, 30 Nov 2026 25:61:00 +99",
    "text/plain; charset*=utf-8''x", "text/plain; charset*0=u; charset*1=tf-8",
)  # fmt: skip
_NAMES = ("Subject", "From", "Date", "Received", "Content-Type", "Content-Transfer-Encoding", "X")
_HEADERS = st.lists(
    st.tuples(st.sampled_from(_NAMES), st.one_of(st.text(max_size=60), st.sampled_from(_VALUES))), max_size=6
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_HEADERS, st.binary(max_size=80)), min_size=1, max_size=4))
def test_whatever_comes_is_read_within_bounds(parts: list[tuple[list[tuple[str, str]], bytes]]) -> None:
    octets = b"\r\n--b\r\n".join(
        b"".join(f"{name}: {value}\r\n".encode("utf-8", "surrogatepass") for name, value in headers) + b"\r\n" + body
        for headers, body in parts
    )

    letter = read_letter(octets)

    assert len(letter.subject) <= 200
    assert "\n" not in letter.subject
    assert not any(ord(sign) < 32 and sign != "\n" for sign in letter.text + letter.subject)
    assert letter.left_out >= 0
    (letter.text + letter.subject + letter.sender).encode()
