"""Whether names resolve: those of targets and desks, all at once and not for ever."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from urllib.parse import urlsplit

from agent.diagnosis import Line, broken, ok, warning
from config.estate import Estate

MOST = 200
_SECONDS = 6.0
_MEND = "look at /etc/resolv.conf and the zone; an address instead of a name in the estate needs no DNS"


def names_of(estate: Estate) -> Sequence[str]:
    """Host names that the estate needs, without addresses; at most 200."""
    found = {target.address for target in estate.targets.values()}
    urls = [getattr(desk.options, "url", None) for desk in estate.desks.values()]
    urls += [vantage.url for vantage in estate.vantages.values()]
    found |= {urlsplit(str(url)).hostname or "" for url in urls if url}
    return sorted(name for name in found if name and not _is_address(name))[:MOST]


def resolve(names: Sequence[str]) -> Mapping[str, str]:
    """Why a name does not resolve, by name; empty for one that does. A name without an answer in time has none."""
    if not names:
        return {}
    pool = ThreadPoolExecutor(16, "doctor-dns")
    asked: dict[str, Future[str]] = {name: pool.submit(_ask, name) for name in names}
    done, _ = wait(asked.values(), _SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return {name: future.result() if future in done else "no answer in time" for name, future in asked.items()}


def name_lines(found: Mapping[str, str]) -> Iterator[Line]:
    lost = {name: why for name, why in found.items() if why}
    if found and len(lost) == len(found):
        yield broken("names", f"none of {len(found)} names resolves: {next(iter(lost.values()))}", _MEND)
        return
    for name, why in lost.items():
        yield warning("names", why, _MEND, name)
    if found and not lost:
        yield ok("names", f"{len(found)} names resolve")


def _ask(name: str) -> str:
    try:
        socket.getaddrinfo(name, None)
    except (OSError, UnicodeError) as error:
        return str(getattr(error, "strerror", None) or error)
    return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
