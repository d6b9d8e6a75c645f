"""What the answers of a DNS server mean: aliases, lies, differences, serials and signatures."""

import json

import pytest

from checks.contract import Memory, State
from checks.network.dns import DnsOptions
from checks.network.dns_judgement import assessed
from checks.network.dns_reply import DnsAnswers, DnsRecord, DnsReply, canonical, chain, strangers

NOW = 1_800_000_000.0
DAY = 86_400.0


def a(name="www.forum.test", value="192.0.2.10", record="A", ttl=300, **more):
    return DnsRecord(name, record, ttl, value, **more)


def alias(name, value):
    return a(name, value, "CNAME")


def reply(*records, rcode="NOERROR", aa=True, ad=False, seconds=0.01, ignored=0, sent=1):
    return DnsReply(rcode, aa, ad, records, seconds, 100, False, sent, ignored)


def judged(answer, memory=None, now=NOW, others=None, failures=None, **options):
    chosen = DnsOptions(**{"query": "www.forum.test", **options})
    answers = DnsAnswers({"udp": answer}, {}, others or {}, failures or {})
    return assessed(chosen, answers, memory, now)


def finding(answer, **options):
    """The finding about the answer."""
    return judged(answer, **options).findings[0]


def test_aliases_are_followed_to_the_records():
    way = chain("a.test", "A", (alias("a.test", "b.test"), alias("b.test", "c.test"), a("c.test")))

    assert way.names == ("a.test", "b.test", "c.test")
    assert [each.name for each in way.found] == ["c.test"]
    assert way.wrong == ""


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ((alias("www.forum.test", "www.forum.test"),), "in a circle"),
        ((alias("www.forum.test", "b.test"), alias("b.test", "www.forum.test")), "in a circle"),
        ((alias("www.forum.test", "b.test"), alias("www.forum.test", "c.test")), "2 names at once"),
        (
            (alias("www.forum.test", "0.test"), *(alias(f"{n}.test", f"{n + 1}.test") for n in range(40))),
            "more than 16 aliases",
        ),
    ],
    ids=["itself", "two", "fork", "endless"],
)
def test_aliases_that_lead_nowhere_are_critical(records, words):
    found = finding(reply(*records))

    assert found.state is State.CRITICAL
    assert words in found.summary


def test_an_alias_without_records_at_its_end_is_critical_and_says_where_it_ends():
    found = finding(reply(alias("www.forum.test", "gone.test")))

    assert found.state is State.CRITICAL
    assert "alias of gone.test" in found.summary


def test_records_of_another_name_are_a_lie():
    found = finding(reply(a(), a("bank.example", "203.0.113.9")))

    assert found.state is State.CRITICAL
    assert "bank.example" in found.summary


def test_a_renamed_branch_is_no_lie():
    records = (a("forum.test", "hall.test", "DNAME"), alias("www.forum.test", "www.hall.test"), a("www.hall.test"))

    assert strangers(chain("www.forum.test", "A", records), records) == ()
    assert finding(reply(*records)).state is State.OK


def test_an_empty_answer_is_never_ok():
    assert finding(reply()).state is State.CRITICAL


@pytest.mark.parametrize(
    ("rcode", "state"),
    [
        ("SERVFAIL", State.CRITICAL),
        ("REFUSED", State.CRITICAL),
        ("NXDOMAIN", State.CRITICAL),
        ("FORMERR", State.UNKNOWN),
        ("NOTIMP", State.UNKNOWN),
        ("YXRRSET", State.CRITICAL),
    ],
)
def test_codes_of_failure_are_told_apart(rcode, state):
    found = finding(reply(a(), rcode=rcode))

    assert found.state is state
    assert rcode in found.summary


@pytest.mark.parametrize(
    ("options", "state", "words"),
    [
        ({"expect": ["192.0.2.11", "192.0.2.10"]}, State.OK, "192.0.2.10, 192.0.2.11"),
        ({"expect": ["192.0.2.10"]}, State.CRITICAL, "not expected: 192.0.2.11"),
        ({"expect": ["192.0.2.10", "192.0.2.11", "192.0.2.12"]}, State.CRITICAL, "missing from the answer: 192.0.2.12"),
        ({"expect": []}, State.CRITICAL, "there must be none"),
        ({"expect_contains": ["192.0.2.11"]}, State.OK, ""),
        ({"expect_contains": ["192.0.2.99"]}, State.CRITICAL, "missing from the answer: 192.0.2.99"),
        ({"expect_pattern": r"^192\.0\.2\."}, State.OK, ""),
        ({"expect_pattern": r"10$"}, State.CRITICAL, "not of the expected pattern: 192.0.2.11"),
        ({"expect_count": 2}, State.OK, ""),
        ({"expect_count": 3}, State.CRITICAL, "2 records where at least 3"),
        ({"min_ttl": 301, "authoritative": True}, State.WARNING, "300 s only"),
        ({"warning_seconds": 0.01}, State.WARNING, "took 0.01 s"),
        ({"warning_seconds": 0.001, "critical_seconds": 0.005}, State.CRITICAL, "0.005 s is the limit"),
        ({"authenticated": True}, State.CRITICAL, "no AD flag"),
    ],
    ids=str,
)
def test_the_answer_is_held_against_what_is_expected(options, state, words):
    found = finding(reply(a(), a(value="192.0.2.11")), **options)

    assert found.state is state
    assert words in found.summary


def test_an_answer_that_is_not_the_servers_own_is_critical_where_it_must_be():
    assert finding(reply(a(), aa=False), authoritative=True).state is State.CRITICAL
    assert finding(reply(a(), aa=False)).state is State.OK


def test_replies_to_another_question_before_the_true_one_are_a_warning():
    found = finding(reply(a(), ignored=3))

    assert found.state is State.WARNING
    assert "3 replies to another question" in found.summary


def test_the_worst_comes_first_in_the_sentence():
    found = finding(reply(a(), ignored=3), expect=["192.0.2.11"])

    assert found.state is State.CRITICAL
    assert found.summary.index("missing") < found.summary.index("forge")


def test_one_way_that_fails_is_critical_although_the_other_answers():
    options = DnsOptions(query="www.forum.test", transport="both")

    assessment = assessed(options, DnsAnswers({"udp": reply(a())}, {"tcp": "refused"}), None, NOW)

    assert assessment.findings[0].state is State.CRITICAL
    assert "over TCP: refused" in assessment.findings[0].summary


def test_different_answers_over_udp_and_tcp_are_a_warning():
    options = DnsOptions(query="www.forum.test", transport="both")

    assessment = assessed(options, DnsAnswers({"udp": reply(a()), "tcp": reply(a(value="192.0.2.9"))}), None, NOW)

    assert assessment.findings[0].state is State.WARNING


def soa(serial, name="forum.test"):
    return a(name, f"ns.{name} admin.{name} {serial} 1 1 1 1", "SOA", serial=serial)


def serial_run(serial, memory=None, now=NOW, **more):
    options = {"query": "forum.test", "type": "SOA", "serial": True, **more.pop("options", {})}
    assessment = judged(reply(soa(serial)), memory, now, **more, **options)
    (found,) = [each for each in assessment.findings if each.key == "dns/forum.test/serial"]
    return found, assessment.memory


def test_a_serial_that_goes_back_is_a_warning_until_it_has_stood_for_a_day():
    _, memory = serial_run(2026112301)

    back, memory = serial_run(2026112300, memory, NOW + 60)
    still, memory = serial_run(2026112300, memory, NOW + 3_600)
    settled, memory = serial_run(2026112300, memory, NOW + 60 + DAY)
    after, _ = serial_run(2026112300, memory, NOW + 2 * DAY)

    assert [each.state for each in (back, still, settled, after)] == [
        State.WARNING,
        State.WARNING,
        State.OK,
        State.OK,
    ]
    assert "from 2026112301 to 2026112300" in back.summary


def test_a_serial_that_wraps_goes_forward():
    _, memory = serial_run(2**32 - 2)

    found, _ = serial_run(5, memory)

    assert found.state is State.OK


def test_another_servers_serial_may_lag_for_a_while_only():
    options = {"same_serial_as": ["192.0.2.2"], "serial_lag_seconds": 600}

    first, memory = serial_run(7, None, NOW, others={"192.0.2.2": 6}, options=options)
    late, memory = serial_run(8, memory, NOW + 600, others={"192.0.2.2": 6}, options=options)
    caught_up, _ = serial_run(8, memory, NOW + 660, others={"192.0.2.2": 8}, options=options)

    assert (first.state, late.state, caught_up.state) == (State.OK, State.WARNING, State.OK)
    assert "192.0.2.2 has had another serial (6, here 8) for 10 min" in late.summary


def test_another_server_that_gives_no_serial_is_unknown():
    options = {"same_serial_as": ["192.0.2.2"]}

    found, _ = serial_run(7, failures={"192.0.2.2": "no answer"}, options=options)

    assert found.state is State.UNKNOWN


def test_a_zone_without_serial_is_unknown_and_the_note_is_kept():
    memory = Memory(1, json.dumps({"highest": 9, "undercut": None, "differs": {}}))

    assessment = judged(reply(), memory, query="forum.test", type="SOA", serial=True)

    assert {each.key: each.state for each in assessment.findings}["dns/forum.test/serial"] is State.UNKNOWN
    assert assessment.memory is None


@pytest.mark.parametrize(
    ("days", "state"), [(10, State.OK), (6, State.WARNING), (1, State.CRITICAL), (-1, State.CRITICAL)]
)
def test_signatures_are_judged_by_the_days_left(days, state):
    signature = a(value="…", record="RRSIG", covers="A", expires=int(NOW + days * DAY))
    later = a(value="…", record="RRSIG", covers="A", expires=int(NOW + 90 * DAY))

    assessment = judged(reply(a(), later, signature), signature_warning_days=7, signature_critical_days=2)

    found = {each.key: each.state for each in assessment.findings}
    assert found["dns/www.forum.test/signature"] is state
    assert [each.value for each in assessment.readings if "signature" in each.family.name] == [NOW + days * DAY]


def test_an_unsigned_answer_is_critical_where_signatures_are_judged():
    other = a(value="…", record="RRSIG", covers="AAAA", expires=int(NOW + 90 * DAY))

    assessment = judged(reply(a(), other), signature_warning_days=7)

    assert {each.key: each.state for each in assessment.findings}["dns/www.forum.test/signature"] is State.CRITICAL


@pytest.mark.parametrize(
    ("record", "text", "form"),
    [
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("MX", "10  Mail.Example.ORG.", "10 mail.example.org"),
        ("CAA", '0 issue "letsencrypt.org"', "0 issue letsencrypt.org"),
        ("TXT", "V=spf1  -all", "V=spf1  -all"),
        ("NS", "NS1.Example.org.", "ns1.example.org"),
        ("MX", "0 .", "0 ."),
    ],
)
def test_values_are_compared_in_one_form(record, text, form):
    assert canonical(record, text) == form


def test_everything_judged_is_covered_and_nothing_may_go():
    assessment = judged(reply(soa(3)), query="forum.test", type="SOA", serial=True)

    assert assessment.covers == {"dns/forum.test/SOA", "dns/forum.test/serial"}
    assert assessment.may_go == frozenset()
