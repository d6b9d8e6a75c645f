"""Passwords against bcrypt hashes: off the event loop, few at a time, and once for each right pair.

bcrypt is made to be slow, a quarter of a second for a cost of 12. So what was right once is remembered, under a keyed
hash that is worth nothing outside this process; and the rest waits in a short line for one thread, so that a flood of
wrong passwords costs one processor at most, and is told to come back when the line is full.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

MOST_WAITING = 32
MOST_OF_ONE = 8
"""Of these, from one address: one host alone does not fill the line."""
_MOST_KNOWN = 1000
_READ_BY_BCRYPT = 72
"""Octets: bcrypt reads no more of a password, and Go's, by which the toolkit compares, does not mind the rest."""


class Busy(Exception):
    """So many passwords are being looked at that this one was not."""


class Work:
    """The one thread that reckons bcrypt. Outlives the passwords: a new file changes those, not this."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "bcrypt", _give_way)
        self._waiting: Counter[str] = Counter()

    def matches(self, password: bytes, hashed: bytes, address: str) -> asyncio.Future[bool]:
        """Whether they belong together, once it has been reckoned. Raises Busy."""
        if self._waiting.total() >= MOST_WAITING or self._waiting[address] >= MOST_OF_ONE:
            raise Busy
        self._waiting[address] += 1
        reckoned = asyncio.get_running_loop().run_in_executor(self._thread, bcrypt.checkpw, password, hashed)
        reckoned.add_done_callback(lambda _: self._done(address))
        return reckoned

    def _done(self, address: str) -> None:
        self._waiting[address] -= 1
        if not self._waiting[address]:
            del self._waiting[address]

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class Passwords:
    """The users of one file."""

    def __init__(self, users: Mapping[str, bytes], work: Work) -> None:
        """`users`: bcrypt hashes by name, at least one."""
        self.users = dict(users)
        self._work = work
        self._key = os.urandom(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[bool]] = {}
        self._hashes = [self.users[name] for name in sorted(self.users)]

    async def right(self, user: str, password: bytes, address: str) -> bool:
        """Whether this is the user's password. Raises Busy.

        Whoever does not exist costs as much as somebody who does: the password is held against another's hash.
        """
        pair = self._digest(user.encode("utf-8", "surrogateescape"), password)
        if pair in self._right:
            self._right.move_to_end(pair)
            return True
        reckoned = self._under_way.get(pair)
        if reckoned is None:
            hashed = self.users.get(user) or self._hash_of_another(user)
            reckoned = self._work.matches(password[:_READ_BY_BCRYPT], hashed, address)
            self._under_way[pair] = reckoned
            reckoned.add_done_callback(lambda _: self._under_way.pop(pair, None))
        matches = await asyncio.shield(reckoned)
        if not matches or user not in self.users:
            return False
        self._right[pair] = None
        while len(self._right) > _MOST_KNOWN:
            self._right.popitem(last=False)
        return True

    def _hash_of_another(self, user: str) -> bytes:
        """Always the same for a name, so that costs that differ from user to user do not tell it either."""
        digest = self._digest(user.encode("utf-8", "surrogateescape"), b"")
        return self._hashes[int.from_bytes(digest[:8]) % len(self._hashes)]

    def _digest(self, user: bytes, password: bytes) -> bytes:
        return hmac.digest(self._key, len(user).to_bytes(4) + user + password, hashlib.sha256)


def _give_way() -> None:
    """Checks come first. On Linux a thread has a priority of its own, setpriority(2); our systemd unit forbids that."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
