"""Octets changed as networks and hostile senders change them, for the fuzzing of parsers (`tests/fuzz`).

RIDGEWAY_FUZZ_INPUTS says how many inputs a parser gets (2,000 unless said otherwise; `make fuzz` gives a million).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence

INPUTS = int(os.environ.get("RIDGEWAY_FUZZ_INPUTS", "2000"))
SEED = int(os.environ.get("RIDGEWAY_FUZZ_SEED", "20261130"))
_MOST_CHANGES = 4
_LONGEST_RUN = 4096


def mutated(corpus: Sequence[bytes], inputs: int = INPUTS, seed: int = SEED) -> Iterator[bytes]:
    """So many inputs, the same for the same seed: members of the corpus cut, spliced, repeated and changed."""
    chance = random.Random(seed)
    for _ in range(inputs):
        data = bytearray(chance.choice(corpus))
        for _ in range(chance.randint(1, _MOST_CHANGES)):
            data = _changed(data, corpus, chance)
        yield bytes(data)


def _changed(data: bytearray, corpus: Sequence[bytes], chance: random.Random) -> bytearray:
    if not data:
        return bytearray(chance.randbytes(chance.randint(1, 64)))
    at = chance.randrange(len(data))
    match chance.randrange(7):
        case 0:
            data[at] = chance.randrange(256)
        case 1:
            data[at] ^= 1 << chance.randrange(8)
        case 2:
            del data[at:]
        case 3:
            del data[at : at + chance.randint(1, 16)]
        case 4:
            data[at:at] = chance.randbytes(chance.randint(1, 16))
        case 5:
            piece = data[at : at + chance.randint(1, 64)]
            data[at:at] = piece * chance.randint(1, max(1, _LONGEST_RUN // len(piece)))
        case _:
            other = chance.choice(corpus)
            data[at:] = other[chance.randrange(len(other) + 1) :]
    return data
