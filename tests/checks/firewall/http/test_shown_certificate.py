"""The certificate that a firewall's API shows: its end is a matter of posture, whoever vouches for it."""

from __future__ import annotations

import time

from checks.contract import State
from checks.transports import Transports
from testbeds.by_api import Watch
from testbeds.firewall_api import firewall_api

KEY = "firewall/posture/certificate"
DAY = 86_400.0


async def test_a_pinned_certificate_that_has_ended_is_told_and_the_rest_is_read(transports: Transports) -> None:
    async with firewall_api("firewall/fortigate-http") as api:
        valid = await Watch(api, transports, now=time.time()).said()
        ended = await Watch(api, transports, now=time.time() + 100 * DAY).said()

    assert valid.part.certificate_not_after is not None
    assert KEY not in valid.bad and "the certificate of its management ends on" in valid.words(KEY)
    assert ended.bad[KEY] is State.WARNING and "ended on" in ended.words(KEY)
    assert ended.value("firewall_memory_used_ratio") == valid.value("firewall_memory_used_ratio") is not None


async def test_what_was_shown_is_held_while_nothing_is_due(transports: Transports) -> None:
    async with firewall_api("firewall/fortigate-http") as api:
        watch = Watch(api, transports, now=time.time())
        first = await watch.said()
        asked = len(api.asked)
        watch.now += 1
        second = await watch.said()

    assert len(api.asked) - asked < asked
    assert second.part.certificate_not_after == first.part.certificate_not_after
    assert KEY in {finding.key for finding in second.assessment.findings}
