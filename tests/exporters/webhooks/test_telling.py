"""Every event is told, in order, signed and under the same id, whatever the receiver answers; on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Connection, insert, select, update

from agent.commands import CommandError
from agent.ledger import tables
from agent.ledger.errors import LedgerUnavailable
from agent.ledger.ledger import Ledger
from agent.ledger.webhooks import WebhookState
from agent.records import EventKind
from config.schema.outbound import EVERY_KIND
from config.secrets import Secret, SecretReference
from exporters.feed.render import shown
from exporters.webhooks import schedule
from testbeds.canned import http
from testbeds.certificates import Authority, expired
from testbeds.receiver import OTHER_SECRET, SECRET, Answer, Receiver, drip, hang, ok, reset
from testbeds.telling import estate_with, ids, opened, telling, until, webhook, write
from testbeds.tls_peers import server_context

Receivers = Callable[..., Receiver]


def epoch(ledger: Ledger) -> str:
    return ledger.reader.feed_position().epoch


async def test_each_event_is_told_once_in_order_signed_and_as_the_feed_has_it(
    ledger: Ledger, receiver: Receiver
) -> None:
    write(ledger, "RWY-before")

    async with telling(ledger, webhook(receiver.url)) as told:
        numbers = write(ledger, *(f"RWY-{number}" for number in range(60)))
        await until(lambda: told.place().sequence == numbers[-1], "all is told")

        assert receiver.ids == ids(numbers, epoch(ledger)), "nothing of before, and nothing twice"
        assert all(one.verified == (SECRET,) for one in receiver.got)
        first = receiver.got[0]
        assert first.method == "POST"
        assert first.path == "/hooks/in?key=opaque"
        assert first.headers["content-type"] == "application/cloudevents+json"
        (kept,) = ledger.reader.events(numbers[0] - 1, 1)
        assert first.event == json.loads(json.dumps(shown(kept, ledger.reader.feed_position(), "test", None)))
        # It is counted a moment after its place is on disk.
        await until(lambda: told.metric("ridgeway_webhook_delivered_total", webhook="desk") == 60, "all is counted")
        assert told.metric("ridgeway_webhook_oldest_timestamp_seconds", webhook="desk") is None
        assert told.metric("ridgeway_webhook_state", webhook="desk", state="active") == 1


async def test_only_the_councils_and_kinds_of_the_subscription_are_told(ledger: Ledger, receiver: Receiver) -> None:
    spec = webhook(receiver.url, councils=frozenset({"dacorum"}))

    async with telling(ledger, spec) as told:
        write(ledger, "RWY-1", council="aylesbury-vale")
        write(ledger, "RWY-2", kind=EventKind.SUSPECTED)
        (wanted,) = write(ledger, "RWY-3")
        await until(lambda: told.place().sequence == wanted, "what concerns it is told")

    assert receiver.sequences == [wanted]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(http(500, b"secret-of-the-receiver"), "server-error", id="500"),
        pytest.param(http(503, b"", b"Retry-After: 0"), "overloaded", id="503"),
        pytest.param(http(404), "refused", id="404"),
        pytest.param(http(302, b"", b"Location: http://127.0.0.1:1/elsewhere"), "redirect", id="302"),
        pytest.param(http(100) + http(500), "server-error", id="100, then 500"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "protocol", id="not HTTP"),
        pytest.param(reset, "protocol", id="reset"),
    ],
)
async def test_an_event_that_is_not_taken_comes_again_under_the_same_id_before_the_next(
    ledger: Ledger, receiver: Receiver, answer: Answer, reason: str
) -> None:
    receiver.script = [answer, answer]

    with structlog.testing.capture_logs() as lines:
        async with telling(ledger, webhook(receiver.url)) as told:
            one, two = write(ledger, "RWY-1", "RWY-2")
            await until(lambda: told.place().sequence == two, "both are told")

            assert receiver.sequences == [one, one, one, two]
            assert len(set(receiver.ids)) == 2
            assert told.metric("ridgeway_webhook_failed_attempts_total", webhook="desk", reason=reason) == 2
            assert told.place().state is WebhookState.ACTIVE
            assert told.place().failing_since is None
    assert [line["event"] for line in lines if "trouble" in line["event"]] == ["webhook.trouble"], "said once"
    assert "secret-of-the-receiver" not in str(lines)
    assert "elsewhere" not in str(lines)
    assert "opaque" not in str(lines), "the URL may be what lets one in"


@pytest.mark.parametrize("behave", [hang, drip])
async def test_a_receiver_that_hangs_or_drips_holds_neither_another_one_nor_the_end(
    ledger: Ledger, new_receiver: Receivers, behave: Answer
) -> None:
    slow, fine = new_receiver(always=behave), new_receiver()

    async with telling(ledger, webhook(slow.url, "slow", timeout=60.0), webhook(fine.url, "fine")) as told:
        numbers = write(ledger, *(f"RWY-{number}" for number in range(5)))
        await until(lambda: told.place("fine").sequence == numbers[-1], "the other one is told")
        await until(lambda: len(slow.got) == 1, "the slow one is being told")
        async with asyncio.timeout(20):
            await told.webhooks.stop()

    assert fine.sequences == numbers
    assert slow.sequences == numbers[:1]


@pytest.mark.parametrize("behave", [hang, drip])
async def test_a_request_ends_at_its_deadline_and_counts_as_a_try(
    ledger: Ledger, receiver: Receiver, behave: Answer
) -> None:
    receiver.script = [behave]

    async with telling(ledger, webhook(receiver.url, timeout=0.3)) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place().sequence == one, "it is told in the end")

        assert receiver.sequences == [one, one]
        assert told.metric("ridgeway_webhook_failed_attempts_total", webhook="desk", reason="timeout") == 1


async def test_a_receiver_that_says_yes_and_then_talks_without_end_has_taken_it(
    ledger: Ledger, receiver: Receiver
) -> None:
    receiver.script = [http(200, b"x" * 3_000_000)]

    async with telling(ledger, webhook(receiver.url)) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place().sequence == one, "it is told")

    assert receiver.sequences == [one]


async def test_a_receiver_without_a_trusted_certificate_gets_nothing(
    ledger: Ledger, new_receiver: Receivers, tmp_path: Path
) -> None:
    ours = Authority()
    ca = tmp_path / "ca.pem"
    ca.write_text(ours.pem)
    good = new_receiver(tls=server_context(ours.issue()))
    bad = new_receiver(tls=server_context(expired(ours)))

    async with telling(ledger, webhook(good.url, "good", ca=str(ca)), webhook(bad.url, "bad", ca=str(ca))) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place("good").sequence == one, "the trusted one is told")
        await until(lambda: told.place("bad").state is WebhookState.FAILING, "the other one is not")

        assert told.place("bad").last_error == "TLS fails: expired"
    assert good.sequences == [one]
    assert bad.got == []


async def test_a_receiver_that_is_gone_is_left_alone_until_somebody_resumes_it(
    ledger: Ledger, receiver: Receiver
) -> None:
    receiver.script = [http(410)]

    async with telling(ledger, webhook(receiver.url)) as told:
        one, two = write(ledger, "RWY-1", "RWY-2")
        await until(lambda: told.place().state is WebhookState.OFF, "it is off")
        told.webhooks.wake()
        await until(lambda: told.metric("ridgeway_webhook_state", webhook="desk", state="off") == 1, "it is shown")
        assert receiver.sequences == [one]

        with pytest.raises(CommandError, match="desk is off"):
            await told.commands.retry("desk", None, "Asha")
        after = await told.commands.resume("desk", "Asha")
        await until(lambda: told.place().sequence == two, "all that waited is told")

    assert after == one - 1
    assert receiver.sequences == [one, one, two]
    assert audited(ledger) == ["webhook-added agent", "webhook-off agent", "webhook-resume Asha"]


async def test_a_receiver_that_is_gone_is_told_at_its_new_url(ledger: Ledger, new_receiver: Receivers) -> None:
    old, new = new_receiver(script=[http(410)]), new_receiver()

    async with telling(ledger, webhook(old.url)) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place().state is WebhookState.OFF, "it is off")
        told.webhooks.use(estate_with(webhook(new.url)))
        await until(lambda: told.place().sequence == one, "it is told elsewhere")

    assert new.sequences == [one]
    assert audited(ledger)[-1] == "webhook-moved agent"


async def test_an_event_that_is_refused_becomes_a_dead_letter_and_the_next_is_told(
    ledger: Ledger, receiver: Receiver
) -> None:
    receiver.script = [http(422)] * schedule.TRIES_IF_REFUSED

    async with telling(ledger, webhook(receiver.url)) as told:
        one, two = write(ledger, "RWY-1", "RWY-2")
        await until(lambda: told.place().sequence == two, "the next is told")

        assert receiver.sequences == [one] * schedule.TRIES_IF_REFUSED + [two]
        (letter,) = told.dead()
        assert (letter.sequence, letter.attempts, letter.error) == (one, 3, "it answers 422")
        told.webhooks.wake()
        await until(lambda: told.metric("ridgeway_webhook_dead_letters", webhook="desk") == 1, "it is counted")


async def test_an_event_that_nobody_takes_is_given_up_after_the_whole_schedule(
    ledger: Ledger, receiver: Receiver
) -> None:
    receiver.script = [http(500)] * schedule.TRIES

    async with telling(ledger, webhook(receiver.url)) as told:
        one, two = write(ledger, "RWY-1", "RWY-2")
        await until(lambda: told.place().sequence == two, "the next is told")

        assert [letter.attempts for letter in told.dead()] == [schedule.TRIES]
    assert receiver.sequences == [one] * schedule.TRIES + [two]


async def test_dead_letters_are_told_again_when_somebody_wants_it_and_stay_when_they_are_refused_again(
    ledger: Ledger, receiver: Receiver
) -> None:
    receiver.script = [http(422)] * (2 * schedule.TRIES_IF_REFUSED)

    async with telling(ledger, webhook(receiver.url)) as told:
        one, two, three = write(ledger, "RWY-1", "RWY-2", "RWY-3")
        await until(lambda: told.place().sequence == three, "the third is told")
        receiver.script = [http(422)]
        assert await told.commands.retry("desk", None, "Asha") == 2
        await until(lambda: [letter.sequence for letter in told.dead()] == [one], "one is taken, one is not")

        assert receiver.sequences[-2:] == [one, two]
        (left,) = told.dead()
        assert (left.attempts, left.wanted) == (4, False)
        assert await told.commands.retry("desk", one, "Asha") == 1
        await until(lambda: told.dead() == (), "it is taken in the end")
        with pytest.raises(CommandError, match=f"no dead letter {two}"):
            await told.commands.retry("desk", two, "Asha")


async def test_dead_letters_wait_for_another_day_when_the_receiver_is_away(ledger: Ledger, receiver: Receiver) -> None:
    receiver.script = [http(422)] * (2 * schedule.TRIES_IF_REFUSED)

    async with telling(ledger, webhook(receiver.url)) as told:
        three = write(ledger, "RWY-1", "RWY-2", "RWY-3")[-1]
        await until(lambda: told.place().sequence == three, "the third is told")
        receiver.script = [http(503)]
        await told.commands.retry("desk", None, "Asha")
        await until(lambda: not any(letter.wanted for letter in told.dead()), "they are put back")

        assert len(told.dead()) == 2
        assert receiver.sequences.count(receiver.sequences[0]) == schedule.TRIES_IF_REFUSED + 1


async def test_a_dead_letter_is_not_told_to_who_may_not_see_its_council_any_more(
    ledger: Ledger, receiver: Receiver
) -> None:
    receiver.script = [http(422)] * schedule.TRIES_IF_REFUSED

    async with telling(ledger, webhook(receiver.url)) as told:
        write(ledger, "RWY-1", council="aylesbury-vale")
        await until(lambda: len(told.dead()) == 1, "it is a dead letter")
        told.webhooks.use(estate_with(webhook(receiver.url, councils=frozenset({"dacorum"}))))
        await told.commands.retry("desk", None, "Asha")
        (two,) = write(ledger, "RWY-2")
        await until(lambda: told.place().sequence == two, "what is theirs is told")

    assert receiver.sequences[schedule.TRIES_IF_REFUSED :] == [two]


async def test_while_a_secret_is_missing_nothing_is_sent_and_nothing_is_given_up(
    ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK")

    async with telling(ledger, webhook(receiver.url)) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place().state is WebhookState.FAILING, "it fails")
        assert told.place().attempts == 0
        assert told.place().last_error == "env:HOOK: the environment variable HOOK is not set"
        assert receiver.got == []

        monkeypatch.setenv("HOOK", SECRET)
        await told.commands.retry("desk", None, "Asha")
        await until(lambda: told.place().sequence == one, "it is told")


async def test_while_the_ledger_is_away_nothing_more_is_sent_and_nothing_twice(
    ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.webhooks.worker._AWAY_PAUSE", 0.02)
    keep, away = ledger.writer.submit_call, 0

    def refuse(work: Callable[[Connection], object]) -> Future[object]:
        nonlocal away
        away += 1
        failed: Future[object] = Future()
        failed.set_exception(LedgerUnavailable("the disk is full"))
        return failed

    with structlog.testing.capture_logs() as lines:
        async with telling(ledger, webhook(receiver.url)) as told:
            monkeypatch.setattr(ledger.writer, "submit_call", refuse)
            one, two = write(ledger, "RWY-1", "RWY-2")
            await until(lambda: away >= 5, "it tries to keep what came of the first")
            assert receiver.sequences == [one]
            monkeypatch.setattr(ledger.writer, "submit_call", keep)
            await until(lambda: told.place().sequence == two, "it goes on")

    assert receiver.sequences == [one, two]
    assert [line["error"] for line in lines if line["event"] == "webhook.trouble"] == ["the ledger: the disk is full"]


async def test_every_request_is_signed_with_every_secret_so_that_one_can_take_the_place_of_another(
    ledger: Ledger, new_receiver: Receivers
) -> None:
    receiver = new_receiver(secrets=(SECRET, OTHER_SECRET))

    async with telling(ledger, webhook(receiver.url)) as told:
        for secrets in (("env:HOOK",), ("env:HOOK", "env:OTHER_HOOK"), ("env:OTHER_HOOK",)):
            told.webhooks.use(estate_with(webhook(receiver.url, secrets=secrets)))
            (number,) = write(ledger, "RWY-" + "-".join(secrets)[:20])
            await until(lambda number=number: told.place().sequence == number, "it is told")  # type: ignore[misc]

    assert [one.verified for one in receiver.got] == [(SECRET,), (SECRET, OTHER_SECRET), (OTHER_SECRET,)]


async def test_a_secret_in_a_file_is_in_force_as_soon_as_it_is_written(
    ledger: Ledger, new_receiver: Receivers, tmp_path: Path
) -> None:
    receiver = new_receiver(secrets=(SECRET, OTHER_SECRET))
    file = tmp_path / "hook"
    file.touch(mode=0o600)
    file.write_text(SECRET)

    async with telling(ledger, webhook(receiver.url, secrets=(f"file:{file}",))) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place().sequence == one, "the first is told")
        file.write_text(OTHER_SECRET)
        (two,) = write(ledger, "RWY-2")
        await until(lambda: told.place().sequence == two, "the second is told")

    assert [one.verified for one in receiver.got] == [(SECRET,), (OTHER_SECRET,)]


async def test_a_reload_begins_new_ones_drops_others_and_leaves_the_rest_alone(
    ledger: Ledger, new_receiver: Receivers
) -> None:
    stays, goes, comes = new_receiver(), new_receiver(), new_receiver()

    async with telling(ledger, webhook(stays.url, "stays"), webhook(goes.url, "goes")) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place("stays").sequence == told.place("goes").sequence == one, "both are told")
        told.webhooks.use(estate_with(webhook(stays.url, "stays"), webhook(comes.url, "comes")))
        await told.settled("stays", "comes")
        (two,) = write(ledger, "RWY-2")
        await until(lambda: told.place("stays").sequence == told.place("comes").sequence == two, "both are told")

        assert told.metric("ridgeway_webhook_state", webhook="goes", state="active") is None
    assert (stays.sequences, goes.sequences, comes.sequences) == ([one, two], [one], [two])
    assert "webhook-dropped agent" in audited(ledger)


async def test_what_happened_while_nobody_told_waits_in_the_ledger(location: str, receiver: Receiver) -> None:
    with closing(opened(location)) as ledger:
        async with telling(ledger, webhook(receiver.url)) as told:
            (one,) = write(ledger, "RWY-1")
            await until(lambda: told.place().sequence == one, "the first is told")
        numbers = write(ledger, "RWY-2", "RWY-3")
    with closing(opened(location)) as ledger:
        async with telling(ledger, webhook(receiver.url)) as told:
            await until(lambda: told.place().sequence == numbers[-1], "the others are told")

    assert receiver.sequences == [one, *numbers]


async def test_a_try_that_is_due_later_is_due_later_after_a_restart_too(
    location: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "PAUSES", (3_000.0,) * (schedule.TRIES - 1))
    receiver.script = [http(500)]
    with closing(opened(location)) as ledger:
        async with telling(ledger, webhook(receiver.url)) as told:
            (one,) = write(ledger, "RWY-1")
            await until(lambda: told.place().state is WebhookState.FAILING, "it fails")
    with closing(opened(location)) as ledger:
        async with telling(ledger, webhook(receiver.url)) as told:
            await until(
                lambda: told.metric("ridgeway_webhook_state", webhook="desk", state="failing") == 1, "it has looked"
            )
            assert receiver.sequences == [one]

            await told.commands.retry("desk", None, "Asha")
            await until(lambda: told.place().sequence == one, "it is told at once")


async def test_a_moment_written_by_a_clock_that_went_wrong_is_not_waited_for(
    ledger: Ledger, receiver: Receiver
) -> None:
    async with telling(ledger, webhook(receiver.url)) as told:
        table = tables.webhooks
        ledger.writer.call(lambda connection: connection.execute(update(table).values(not_before=9e9)) and None)
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place().sequence == one, "it is told")


async def test_an_event_keeps_its_id_when_a_restored_ledger_tells_it_again(ledger: Ledger, receiver: Receiver) -> None:
    async with telling(ledger, webhook(receiver.url)) as told:
        (one,) = write(ledger, "RWY-1")
        await until(lambda: told.place().sequence == one, "it is told")
    first = epoch(ledger)

    def restore(connection: object) -> None:
        row = {"epoch": first, "last": one, "ended_at": 0.0}
        connection.execute(insert(tables.epochs), row)  # type: ignore[attr-defined]
        info = tables.ledger_info
        connection.execute(update(info).values(epoch="ZZZ", sequence=info.c.sequence + 1_000_000_000))  # type: ignore[attr-defined]
        connection.execute(update(tables.webhooks).values(sequence=one - 1))  # type: ignore[attr-defined]

    ledger.writer.call(restore)
    async with telling(ledger, webhook(receiver.url)) as told:
        (two,) = write(ledger, "RWY-2")
        await until(lambda: told.place().sequence == two, "both are told")

    assert receiver.ids == [f"{first}:{one}", f"{first}:{one}", f"ZZZ:{two}"]
    assert two == one + 1_000_000_001


async def test_events_that_were_removed_before_they_were_told_are_missed_loudly(
    ledger: Ledger, receiver: Receiver
) -> None:
    receiver.script = [http(410)]

    with structlog.testing.capture_logs() as lines:
        async with telling(ledger, webhook(receiver.url)) as told:
            _, two = write(ledger, "RWY-1", "RWY-2")
            await until(lambda: told.place().state is WebhookState.OFF, "it is off")
            events, info = tables.events, tables.ledger_info

            def remove(connection: object) -> None:
                connection.execute(events.delete().where(events.c.sequence < two))  # type: ignore[attr-defined]
                connection.execute(update(info).values(pruned=two - 1))  # type: ignore[attr-defined]

            ledger.writer.call(remove)
            await told.commands.resume("desk", "Asha")
            await until(lambda: told.place().sequence == two, "it goes on with what is kept")

            assert told.metric("ridgeway_webhook_gaps_total", webhook="desk") == 1
    assert [line["log_level"] for line in lines if line["event"] == "webhook.gap"] == ["error"]
    assert receiver.sequences[1:] == [two]


async def test_a_place_moves_over_what_does_not_concern_it(
    ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.webhooks.worker._PASS_AFTER", 3)
    spec = webhook(receiver.url, councils=frozenset({"dacorum"}))

    async with telling(ledger, spec) as told:
        numbers = write(ledger, *(f"RWY-{number}" for number in range(4)), council="aylesbury-vale")
        await until(lambda: told.place().sequence == numbers[-1], "it has moved on")

    assert receiver.got == []


async def test_a_test_says_that_it_is_one_and_moves_nothing(ledger: Ledger, receiver: Receiver) -> None:
    receiver.script = [ok, http(500)]

    async with telling(ledger, webhook(receiver.url)) as told:
        before = told.place()
        taken, refused = await told.webhooks.test("desk", "Asha"), await told.webhooks.test("desk", "Asha")

        assert (taken.failure, refused.text) == (None, "it answers 500")
        assert told.place() == before
    assert receiver.got[0].event["type"] == "ridgeway.webhook.test.v1"
    assert receiver.got[0].event["data"] == {"text": "Asha tries whether this webhook works. Nothing has happened."}
    assert receiver.got[0].verified == (SECRET,)


async def test_an_url_that_is_referred_to_is_read_late_and_shown_nowhere(
    ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_URL", "http://example.com/opaque")
    spec = webhook(SecretReference("env", "HOOK_URL"))

    with structlog.testing.capture_logs() as lines:
        async with telling(ledger, spec) as told:
            (one,) = write(ledger, "RWY-1")
            await until(lambda: told.place().state is WebhookState.FAILING, "http to elsewhere is refused")
            assert str(told.place().last_error).startswith("env:HOOK_URL must begin with https://")
            monkeypatch.setenv("HOOK_URL", receiver.url)
            await told.commands.retry("desk", None, "Asha")
            await until(lambda: told.place().sequence == one, "it is told")

    assert "opaque" not in str(lines)


async def test_an_act_without_a_name_or_on_nothing_is_refused(ledger: Ledger, receiver: Receiver) -> None:
    async with telling(ledger, webhook(receiver.url)) as told:
        with pytest.raises(CommandError, match="every act carries a name"):
            await told.commands.retry("desk", None, " ")
        with pytest.raises(CommandError, match="no webhook is called dsek; the estate has desk"):
            await told.commands.resume("dsek", "Asha")
        with pytest.raises(CommandError, match="desk is not off"):
            await told.commands.resume("desk", "Asha")


def test_every_kind_of_event_can_be_asked_for() -> None:
    assert {kind.value for kind in EventKind} == EVERY_KIND


def test_a_webhook_prints_neither_its_url_nor_a_secret() -> None:
    spec = webhook("https://hooks.example/opaque")

    assert "opaque" not in repr(spec)
    assert spec.url == Secret("https://hooks.example/opaque")


def audited(ledger: Ledger) -> list[str]:
    table = tables.audit
    query = select(table.c.action, table.c.actor).order_by(table.c.id)
    rows = ledger.reader.read(lambda connection: connection.execute(query).all())
    return [f"{row.action} {row.actor}" for row in rows]
