"""A call on paper: whatever the far end sends and whenever, each dialog is acknowledged and ended."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.telephony.numbers import NumberRefused
from checks.transports.sip.calling import Calling
from checks.transports.sip.wire import Carrier
from testbeds.far_end import SDP, FarEnd, invitation

_RECORDED = ("record-route", "<sip:near.example;lr>"), ("record-route", "<sip:far.example;lr>, <sip:last.example;lr>")


def challenge(realm: str = "pbx", *, nonce: str = "n1", stale: bool = False) -> str:
    return f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm=MD5' + (", stale=true" if stale else "")


def test_a_call_is_answered_acknowledged_and_ended() -> None:
    end = FarEnd.called()

    end.say(100, tag="")
    end.say(180)
    (ack,) = end.say(200, body=SDP)
    (bye,) = end.hang_up()
    end.say(200, to=bye)

    told = end.call.told
    assert end.methods() == ["INVITE", "ACK", "BYE"]
    assert ack.uri == bye.uri == "sip:5600@192.0.2.9:5060"
    assert told.provisional == [100, 180] and told.body == SDP and told.bye_status == 200
    assert end.call.settled(end.now) and not end.call.up


def test_an_invite_is_sent_again_until_something_comes_and_then_no_more() -> None:
    end = FarEnd.called()

    before = len(end.wait(3.6))
    end.say(100, tag="")
    after = end.wait(60)

    assert before == 3  # after 0.5, 1.5 and 3.5 s
    assert after == []
    assert len({one.headers.first("via") for one in end.seen}) == 1


def test_silence_is_given_up_after_timer_b() -> None:
    end = FarEnd.called()

    end.wait(31.9)
    waiting = end.call.decided
    end.wait(0.2)

    assert not waiting
    assert end.call.told.silent
    assert end.call.over(end.now)
    assert end.methods() == ["INVITE"] * 7


def test_over_a_connection_nothing_is_sent_twice() -> None:
    end = FarEnd.called(Carrier.TCP)

    assert end.wait(33) == []
    assert end.call.told.silent


def test_an_answer_that_comes_again_is_acknowledged_again() -> None:
    end = FarEnd.called()

    (first,) = end.say(200)
    (second,) = end.say(200)

    assert first == second


def test_a_failure_is_acknowledged_in_its_own_transaction_and_again_when_it_comes_again() -> None:
    end = FarEnd.called()

    (ack,) = end.say(486)
    again = end.say(486)

    invite = end.last("INVITE")
    assert again == [ack]
    assert ack.headers.first("via") == invite.headers.first("via")
    assert ack.uri == invite.uri
    assert end.call.told.final is not None and end.call.told.final.status == 486
    assert not end.call.over(end.now)
    end.wait(32.1)
    assert end.call.over(end.now)


def test_a_call_that_rings_is_cancelled_and_one_without_any_answer_waits_for_it() -> None:
    ringing, mute = FarEnd.called(), FarEnd.called()

    ringing.say(180)
    (cancel,) = ringing.hang_up()
    waiting = mute.hang_up() + mute.wait(5)
    late = mute.say(180)

    assert cancel.method == "CANCEL"
    assert cancel.headers.first("via") == ringing.last("INVITE").headers.first("via")
    assert cancel.headers.first("cseq") == (ringing.last("INVITE").headers.first("cseq") or "").replace(
        "INVITE", "CANCEL"
    )
    assert "tag=" not in (cancel.headers.first("to") or "")
    assert waiting == []  # neither a CANCEL, which may not be, nor another INVITE
    assert [one.method for one in late] == ["CANCEL"]


def test_a_cancel_is_sent_again_until_it_is_answered() -> None:
    end = FarEnd.called()
    end.say(180)
    end.hang_up()

    more = end.wait(1.6)
    end.say(200, to=end.last("CANCEL"))
    after = end.wait(10)
    end.say(487)

    assert [one.method for one in more] == ["CANCEL", "CANCEL"]
    assert after == []
    assert end.call.settled(end.now)


def test_an_answer_that_comes_after_the_cancel_is_acknowledged_and_ended() -> None:
    end = FarEnd.called()
    end.say(180)
    end.hang_up()
    end.say(200, to=end.last("CANCEL"))

    new = end.say(200)

    assert [one.method for one in new] == ["ACK", "BYE"]
    assert end.call.told.answered_at is None and end.call.told.others == 1
    assert not end.call.settled(end.now)
    end.say(200, to=end.last("BYE"))
    assert end.call.settled(end.now)


def test_a_confirmed_cancel_is_not_the_end_of_the_call() -> None:
    end = FarEnd.called()
    end.say(180)
    end.hang_up()

    end.say(200, to=end.last("CANCEL"))
    confirmed = end.call.settled(end.now)
    new = end.say(487)

    assert not confirmed
    assert [one.method for one in new] == ["ACK"]
    assert end.call.settled(end.now)


def test_a_call_without_a_final_answer_is_given_up_and_one_that_nobody_knows_at_once() -> None:
    mute, unknown = FarEnd.called(), FarEnd.called()
    for end in (mute, unknown):
        end.say(180)
        end.hang_up()

    mute.say(200, to=mute.last("CANCEL"))
    unknown.say(481, to=unknown.last("CANCEL"))
    mute.wait(31.0)
    before = mute.call.settled(mute.now)
    mute.wait(1.5)

    assert unknown.call.settled(unknown.now)
    assert not before
    assert mute.call.settled(mute.now) and mute.call.over(mute.now)


def test_of_forked_answers_the_first_is_kept_and_the_others_are_ended_at_once() -> None:
    end = FarEnd.called()
    end.say(180, tag="a")
    end.say(180, tag="b")

    end.say(200, tag="a")
    ended = end.say(200, tag="b")
    end.hang_up()

    assert [one.method for one in ended] == ["ACK", "BYE"]
    assert end.tags("ACK") == ["a", "b"]
    assert end.tags("BYE") == ["b", "a"]
    assert end.call.told.others == 1


def test_requests_go_by_the_proxies_that_recorded_themselves() -> None:
    end = FarEnd.called()

    (ack,) = end.say(200, "far", *_RECORDED)
    (bye,) = end.hang_up()

    for one in (ack, bye):
        assert one.headers.all("route") == ["<sip:last.example;lr>", "<sip:far.example;lr>", "<sip:near.example;lr>"]
        assert one.uri == "sip:5600@192.0.2.9:5060"


def test_a_strict_router_gets_the_request_as_it_knows_it() -> None:
    end = FarEnd.called()

    (ack,) = end.say(200, "far", ("record-route", "<sip:near.example;lr>"), ("record-route", "<sip:old.example>"))

    assert ack.uri == "sip:old.example"
    assert ack.headers.all("route") == ["<sip:near.example;lr>", "<sip:5600@192.0.2.9:5060>"]


@pytest.mark.parametrize(
    "contact", ["nonsense", "<sip:>", "<tel:+441632960123>", "<sip:x@\x01>", "<http://x.example/>", "*"]
)
def test_a_contact_that_cannot_be_used_leaves_the_uri_that_was_called(contact: str) -> None:
    end = FarEnd.called()

    (ack,) = end.say(200, "far", ("contact", contact))

    assert ack.uri == "sip:5600@pbx.example"


def test_a_far_end_that_hangs_up_is_answered_and_gets_no_bye() -> None:
    end = FarEnd.called()
    end.say(200)
    end.wait(3)

    (said,) = end.ask("BYE")
    end.hang_up()

    assert said.status == 200
    assert "BYE" not in end.methods()
    assert end.call.told.ended_by_far_end == 3
    assert end.call.settled(end.now)


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("INVITE", 488),
        ("UPDATE", 488),
        ("OPTIONS", 200),
        ("INFO", 200),
        ("REFER", 603),
        ("MESSAGE", 405),
        ("PRACK", 481),
    ],
)
def test_requests_inside_of_a_call_are_answered_and_change_nothing(method: str, status: int) -> None:
    end = FarEnd.called()
    end.say(200)

    (said,) = end.ask(method)

    assert said.status == status
    assert said.headers.first("via") == "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKfar1"
    assert end.call.up


def test_a_request_of_somebody_else_does_not_end_the_call() -> None:
    end = FarEnd.called()
    end.say(200)

    (said,) = end.ask("BYE", tag="stranger")

    assert said.status == 481
    assert end.call.up and end.call.told.strays == 1


def test_a_challenge_is_answered_once_and_a_second_one_refuses_the_log_in() -> None:
    end = FarEnd.called(login=True)

    ack, invite = end.say(401, "far", ("www-authenticate", challenge()))
    (last,) = end.say(401, "far", ("www-authenticate", challenge(nonce="n2")))

    assert [ack.method, invite.method, last.method] == ["ACK", "INVITE", "ACK"]
    assert 'nonce="n1"' in (invite.headers.first("authorization") or "")
    assert invite.headers.first("call-id") == ack.headers.first("call-id")
    assert end.call.proofs.refused
    assert end.call.told.final is not None


def test_a_stale_nonce_is_exchanged_once() -> None:
    end = FarEnd.called(login=True)

    end.say(401, "far", ("www-authenticate", challenge()))
    _, again = end.say(401, "far", ("www-authenticate", challenge(nonce="n2", stale=True)))
    (last,) = end.say(401, "far", ("www-authenticate", challenge(nonce="n3", stale=True)))

    assert 'nonce="n2"' in (again.headers.first("authorization") or "")
    assert last.method == "ACK"
    assert end.call.proofs.refused


def test_two_proxies_and_the_far_end_get_an_answer_each_and_the_ack_has_them_all() -> None:
    end = FarEnd.called(login=True)

    end.say(407, "far", ("proxy-authenticate", challenge("near")))
    end.say(407, "far", ("proxy-authenticate", challenge("far")))
    end.say(401, "far", ("www-authenticate", challenge("pbx")))
    (ack,) = end.say(200)
    (bye,) = end.hang_up()

    for one in (end.last("INVITE"), ack, bye):
        assert [value.count('realm="near"') for value in one.headers.all("proxy-authorization")] == [1, 0]
        assert [value.count('realm="pbx"') for value in one.headers.all("authorization")] == [1]
    assert not end.call.proofs.refused


def test_a_challenged_bye_is_sent_again_with_an_answer() -> None:
    end = FarEnd.called(login=True)
    end.say(200)
    (bare,) = end.hang_up()

    (proved,) = end.say(407, "far", ("proxy-authenticate", challenge()), to=bare)
    end.say(200, to=proved)

    assert bare.headers.all("proxy-authorization") == []
    assert len(proved.headers.all("proxy-authorization")) == 1
    assert proved.headers.first("cseq") != bare.headers.first("cseq")
    assert end.call.settled(end.now)


@pytest.mark.parametrize("value", ["Digest", 'Digest realm="r", nonce="n", algorithm=ROT13', "", 'Digest realm="'])
def test_a_challenge_that_cannot_be_answered_ends_the_call_with_a_reason(value: str) -> None:
    end = FarEnd.called(login=True)

    (ack,) = end.say(401, "far", ("www-authenticate", value))

    assert ack.method == "ACK"
    assert end.call.decided and end.call.proofs.trouble
    assert not end.call.proofs.refused


def test_a_longer_session_interval_is_agreed_to_once() -> None:
    end = FarEnd.called()

    _, invite = end.say(422, "far", ("min-se", "1800"))
    (last,) = end.say(422, "far", ("min-se", "1800"))

    assert (invite.headers.first("session-expires") or "").startswith("1800;")
    assert last.method == "ACK"
    assert end.call.decided


@pytest.mark.parametrize(
    ("name", "value"),
    [("call-id", "somebody else's"), ("from", "<sip:7001@pbx.example>;tag=other"), ("cseq", "1 INVITE"), ("via", "")],
)
def test_an_answer_to_another_request_is_none(name: str, value: str) -> None:
    end = FarEnd.called()
    request = end.last("INVITE")
    headers = tuple((key, value if key == name else said) for key, said in request.headers.fields)
    odd = type(request)(request.method, request.uri, type(request.headers)(headers))

    end.say(200, to=odd)

    assert end.methods() == ["INVITE"]
    assert not end.call.decided and end.call.told.strays == 1


def test_a_bye_without_an_answer_is_given_up_in_the_end() -> None:
    end = FarEnd.called()
    end.say(200)
    end.hang_up()

    end.wait(33)

    assert end.methods().count("BYE") == 11
    assert end.call.over(end.now)
    assert end.call.told.bye_status is None


def test_the_far_end_is_asked_to_hang_up_by_itself_should_this_machine_die() -> None:
    end = FarEnd.called()

    assert end.seen[0].headers.first("session-expires") == "90;refresher=uac"
    assert end.seen[0].headers.first("supported") == "timer"


@pytest.mark.parametrize("number", ["999", "9999", "tel:112", "%39%39%39", "+33123456789", "*21#", "0900 1234567"])
def test_no_invite_is_ever_written_to_a_denied_number(number: str) -> None:
    with pytest.raises(NumberRefused):
        Calling(invitation(number), "192.0.2.1:5062", Carrier.UDP, 0.0)


_events = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from([100, 180, 183, 200, 202, 302, 401, 407, 422, 486, 503, 603])),
        st.tuples(st.just("ask"), st.sampled_from(["BYE", "INVITE", "OPTIONS", "CANCEL", "ACK"])),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 4, 33])),
        st.tuples(st.just("hang up"), st.just(0)),
        st.tuples(st.just("answer"), st.sampled_from([100, 200, 401, 481, 500])),
    ).flatmap(lambda event: st.tuples(st.just(event), st.sampled_from(["a", "b", "c", ""]))),
    max_size=25,
)


@settings(max_examples=400)
@given(_events, st.sampled_from([Carrier.UDP, Carrier.TCP]), st.booleans())
def test_whatever_happens_every_dialog_is_acknowledged_and_ended(
    events: list[tuple[tuple[str, int | str], str]], carrier: Carrier, login: bool
) -> None:
    end = FarEnd.called(carrier, login)
    answered: set[str] = set()
    hung_up: set[str] = set()

    for (what, value), tag in events:
        if what == "say":
            before = len(end.seen)
            end.say(int(value), tag, ("www-authenticate", challenge()), ("proxy-authenticate", challenge("x")))
            if value in (200, 202) and any(one.method == "ACK" for one in end.seen[before:]):
                answered.add(tag)
        elif what == "ask":
            end.ask(str(value), tag)
            if value == "BYE" and tag in answered:
                hung_up.add(tag)
        elif what == "wait":
            end.wait(float(value))
        elif what == "hang up":
            end.hang_up()
        else:
            for one in [one for one in end.seen if one.method in ("BYE", "CANCEL")][-1:]:
                end.say(int(value), tag, ("www-authenticate", challenge()), to=one)
    end.hang_up()
    for one in range(10):
        for request in [one for one in end.seen if one.method in ("BYE", "CANCEL")]:
            end.say(200, to=request)
        end.wait(10)

    assert end.call.over(end.now)
    assert answered - hung_up <= set(end.tags("BYE"))
    if "CANCEL" in end.methods():
        assert end.call.told.provisional or answered
    assert len(end.seen) < 500
