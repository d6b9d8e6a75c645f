"""Bodies are decoded in parts: what is held at once never depends on what a peer packs into them."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.http import body

BOMB = gzip.compress(b"\0" * 100_000_000, 9)


def answer(raw: bytes) -> HTTPResponse:
    return HTTPResponse(body=io.BytesIO(raw), preload_content=False, decode_content=False)


def test_a_bomb_never_takes_more_memory_than_a_few_times_the_limit():
    packed = answer(BOMB)
    tracemalloc.start()
    try:
        found, truncated = body.read(packed, "gzip", 1_000_000, "web")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (len(found), truncated) == (1_000_000, True)
    assert most < 5_000_000


@given(st.binary(max_size=60_000), st.integers(1, 70_000), st.sampled_from(["", "gzip", "deflate"]))
def test_a_body_comes_back_as_it_was_or_cut_at_the_limit(content, limit, encoding):
    packed = {"": lambda text: text, "gzip": gzip.compress, "deflate": zlib.compress}[encoding](content)

    found, truncated = body.read(answer(packed), encoding, limit, "web")

    assert found == content[:limit]
    assert truncated == (len(content) > limit)


@given(st.binary(min_size=1, max_size=3_000), st.integers(1, 40))
def test_a_compressed_body_that_is_cut_off_is_a_fault_never_a_shorter_page(content, lost):
    packed = gzip.compress(content)

    with pytest.raises(TransportFault) as caught:
        body.read(answer(packed[: max(1, len(packed) - lost)]), "gzip", 1_000_000, "web")

    assert caught.value.reason is Reason.PROTOCOL
