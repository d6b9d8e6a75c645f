"""SDP: what we offer, what an answer gives, and why it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.media.codec import Codec
from checks.transports.rtp.sdp import Description, Direction, SdpError, answer, not_for_sound, offer

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"


def described(*lines: str, head: str = HEAD) -> Description:
    return answer((head + "".join(f"{line}\r\n" for line in lines)).encode())


def test_an_offer_says_all_that_a_gateway_needs_and_nothing_of_anybody() -> None:
    octets = offer("192.0.2.1", 16400, 77)

    assert octets == (
        b"v=0\r\no=- 77 77 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 16400 RTP/AVP 8 0\r\n"
        b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::7"])
def test_an_offer_is_read_as_it_was_written(address: str) -> None:
    read = answer(offer(address, 16400, 77, (Codec.PCMU,), Direction.SENDONLY))

    assert read == Description((address, 16400), (address, 16401), Codec.PCMU, Direction.SENDONLY, 20)


def test_an_answer_gives_the_first_codec_that_we_know_and_what_the_media_say_before_what_the_session_says() -> None:
    read = described(
        "a=recvonly",
        "m=audio 4000 RTP/AVP 9 0 8 101",
        "c=IN IP4 192.0.2.9",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000/1",
        "a=ptime:30",
        "a=rtcp:5007 IN IP4 192.0.2.10",
        "a=sendonly",
        "m=video 0 RTP/AVP 96",
        "c=IN IP4 192.0.2.99",
        "a=inactive",
    )

    assert read == Description(("192.0.2.9", 4000), ("192.0.2.10", 5007), Codec.PCMU, Direction.SENDONLY, 30)


@pytest.mark.parametrize("direction", list(Direction))
def test_a_direction_may_stand_with_the_session(direction: Direction) -> None:
    assert described(f"a={direction}", "m=audio 4000 RTP/AVP 8").direction is direction


def test_multiplexed_rtcp_that_was_not_offered_changes_nothing() -> None:
    assert described("m=audio 4000 RTP/AVP 8", "a=rtcp-mux").remote_rtcp == ("192.0.2.7", 4001)


def test_rtcp_that_has_no_port_gets_none() -> None:
    assert described("m=audio 65535 RTP/AVP 8").remote_rtcp is None
    assert described("m=audio 4000 RTP/AVP 8", "a=rtcp:0").remote_rtcp is None


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((), "no audio in it"),
        (("m=video 4000 RTP/AVP 96", "m=application 9 UDP/BFCP *"), "no audio in it, only video, application"),
        (("m=audio 0 RTP/AVP 8",), r"refuses the sound \(port 0\)"),
        (("m=audio 53 RTP/AVP 8",), "at port 53, where no sound goes"),
        (("m=audio 65536 RTP/AVP 8",), "at port 65536"),
        (("m=audio 4000 RTP/SAVP 8",), r"encrypted sound \(SRTP\)"),
        (("m=audio 4000 UDP/TLS/RTP/SAVPF 8",), r"encrypted sound \(SRTP\)"),
        (("m=audio 4000 TCP/WHAT 8",), "another transport than RTP"),
        (("m=audio 4000 RTP/AVP 9 18", "a=rtpmap:18 G729/8000"), "it speaks 9, G729/8000; .* PCMA and PCMU"),
        (("m=audio 4000 RTP/AVP 8", "a=rtpmap:8 PCMA/16000"), "it speaks PCMA/16000"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"), "it holds the call"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP4 224.2.1.1/127"), "as multicast has"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP4 224.2.1.1"), "is one of multicast"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP6 ff02::1"), "is one of multicast"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP4 255.255.255.255"), "is one of broadcast"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP6 ::ffff:224.0.0.1"), "is one of multicast"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP4 media.example"), "is a name"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP6 192.0.2.1"), "is none of IP6"),
        (("m=audio 4000 RTP/AVP 8", "c=ATM NSAP 1"), "that is none"),
        (("m=audio 4000 RTP/AVP 8", "a=rtcp:x"), "a=rtcp that is none"),
        (("m=audio 4000 RTP/AVP 8", "a=rtcp:4001 IN IP4 239.1.1.1"), "is one of multicast"),
        (("m=audio RTP/AVP 8",), "m= line that is none"),
        (("m=audio 4000 RTP/\x1bAVP 8",), "m= line that is none"),
        (("m=audio 4000 RTP/AVP 8", "c=IN IP4 240.0.0.1"), "is a reserved one"),
        (("nonsense",), "none of SDP"),
        (("a=" + "x" * 2000,), "more than 1024"),
        (("a=x",) * 600, "more than 500 lines"),
        (("a=" + "x" * 1000,) * 20, "more than 16384"),
    ],
)
def test_an_answer_that_gives_no_sound_is_refused_with_its_reason(lines: tuple[str, ...], why: str) -> None:
    with pytest.raises(SdpError, match=why):
        described(*lines)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "none of SDP"),
        (b"\xff", "not UTF-8"),
        (b"v=1\r\n", "version 0"),
        (b"v=0\r\nm=audio 4000 RTP/AVP 8\r\n", "no address in it"),
    ],
)
def test_what_is_no_description_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(SdpError, match=why):
        answer(octets)


def test_lines_may_end_as_on_a_typewriter_or_not() -> None:
    text = HEAD + "m=audio 4000 RTP/AVP 8\r\n"

    assert answer(text.replace("\r\n", "\n").encode()) == answer(text.encode())


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff0e::1", "255.255.255.255", "240.1.1.1"])
def test_no_sound_goes_to_many_or_to_nobody(address: str) -> None:
    assert not_for_sound(address)


@pytest.mark.parametrize("address", ["10.1.1.1", "192.0.2.1", "2001:db8::1", "127.0.0.1"])
def test_sound_may_go_to_one(address: str) -> None:
    assert not not_for_sound(address)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused(octets: bytes) -> None:
    for text in (octets, HEAD.encode() + b"m=audio 4000 RTP/AVP 8\r\n" + octets):
        try:
            answer(text)
        except SdpError as error:
            assert str(error)
