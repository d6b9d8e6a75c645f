"""Streams of call records, mutated: each line is counted as one or the other, and no more than a line is kept."""

from __future__ import annotations

from checks.telephony.smdr.options import SmdrOptions
from checks.telephony.smdr.records import LONGEST, Counting
from testbeds.mutation import mutated

CORPUS = (
    b" 11/30 09:15 00:00:42 5550199 01632960001 T001                                            \r\n"
    b"-11/30 09:15 00:07:42 5550199 01632960001 T001                                            \r\n",
    b"%11/30 09:15 00:12:42 5550199 01632960001 T001                                            \r\n\0\0\r\n",
    b"+11/30 09:15  1:02:42 5550199 01632960001 T001 " + b"9" * 60 + b"\r\nnothing of the kind\n",
)


def test_a_stream_is_counted_whatever_is_in_it() -> None:
    layout = SmdrOptions(sole_reader=True, duration_columns=(14, 21)).layout
    for octets in mutated(CORPUS):
        counting = Counting(layout)

        for at in range(0, len(octets), 777):
            counting.fed(octets[at : at + 777])
            assert len(counting._rest) <= LONGEST
        counting.ended()

        assert sum(counting.records.values()) + counting.unread <= octets.count(b"\n") + 1
        assert 0 <= counting.seconds <= sum(counting.records.values()) * (99 * 3600 + 99 * 60 + 99)
