"""The prober: an agent at a vantage that is not the estate's own. It makes checks when the judge asks, and judges none.

It keeps no ledger, opens no incident, feeds no desk and has no schedule; a restart loses nothing but what the checks
had open. Its guard of accounts is its own: what the judge's agent was refused counts there, not here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from agent.daemon.life import HangUps, StartError, raise_descriptor_limit, spare_the_collector, stop_event
from agent.daemon.loading import Loader, LoadError
from agent.daemon.settings import Settings
from agent.elsewhere import WITHIN, digest_of
from agent.notify import Notifier
from agent.redaction import Redactor
from agent.refusals import RefusalsError, lockout_at
from agent.run import Runner
from agent.stderr import StderrFilter
from checks.contract import Assessment, CheckKind, Memory, Observation, Subject
from checks.transports import Transports
from checks.transports.lockout import Lockout
from checks.wire import WireError, observation_json
from config.estate import CheckSpec, Estate, Target, Vantage
from config.problems import EstateError
from config.secrets import Secret, SecretError
from exporters.prometheus.prober import ProberMetrics
from exporters.web.access import AccessControl, AccessError
from exporters.web.guard import Guard, Hosts
from exporters.web.probe import MOST, Probe
from exporters.web.prober_site import prober_site
from exporters.web.server import ListenError, WebServer, listen


class Prober:
    """Start it, and stop it."""

    def __init__(
        self,
        estate: Estate,
        settings: Settings,
        kinds: Mapping[str, CheckKind],
        lockout: Lockout,
        load: Loader | None = None,
        learn: Callable[[Estate], None] = lambda _estate: None,
    ) -> None:
        """`load` reads the estate again, without it there is no reload; `learn` is told of estates, for secrets."""
        self._load = load
        self._learn = learn
        self._reloading: asyncio.Task[None] | None = None
        self._again = False
        self._tls: ssl.SSLContext | None = None
        self._whole = estate
        self._estate = _seen_from(estate, settings.vantage)
        self._settings = settings
        self._place = estate.vantages[settings.vantage]
        self._kinds = kinds
        self._lockout = lockout
        self._log = structlog.get_logger("agent")
        self._parts = contextlib.AsyncExitStack()
        self._specs = _by_name(self._estate)
        self._notifier = Notifier.from_environment(
            os.environ, time.monotonic, lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        )
        self._runner: Runner
        self._metrics: ProberMetrics
        self._endpoint: Probe
        self.addresses: list[tuple[str, int]] = []
        """Where the judge may ask, once started."""

    async def start(self) -> None:
        """Open what is needed. On any failure `stop` gives back what was opened. Raises StartError."""
        token, address = _needed(self._place)
        self._tls = tls = tls_context(self._place)
        if self._load is not None:
            self._parts.push_async_callback(self._load.close)
        transports = Transports.open(self._lockout)
        self._parts.push_async_callback(transports.close)
        self._runner = Runner(
            self._estate,
            {name: replace(kind, assess=_not_here) for name, kind in self._kinds.items()},
            transports,
            vantage=self._settings.vantage,
        )
        self._parts.push_async_callback(self._runner.stop, 1.0)
        self._metrics = metrics = ProberMetrics(version("ridgeway"), self._estate.revision)
        self._endpoint = probe = Probe(self._probe, token, WITHIN, metrics.answered)
        asked = await self._serve(WebServer(probe.app(), _listen([address]), tls=tls, most=4 * MOST))
        access = await self._access(metrics)
        own = Guard(access.before(prober_site(metrics)), Hosts.of(self._settings.hosts))
        places = _listen([str(one) for one in self._settings.listen])
        await self._serve(WebServer(own, places, tls=access.tls, meet=access.meet))
        self.addresses = asked.addresses
        self._beat()
        self._log.info(
            "prober started",
            estate=self._estate.name,
            revision=self._estate.revision[:12],
            vantage=self._settings.vantage,
            checks=len(self._specs),
            listens=address,
        )
        self._notifier.ready(f"{len(self._specs)} checks to be made for the judge at {self._estate.vantage}")

    def hang_up(self) -> None:
        """SIGHUP: have the changed estate used. Those that come while one is read are one, after it."""
        self._again = True
        if self._load is not None and (self._reloading is None or self._reloading.done()):
            self._reloading = asyncio.get_running_loop().create_task(self._reload(self._load), name="reload")

    async def _reload(self, load: Loader) -> None:
        while self._again:
            self._again = False
            self._notifier.reloading()
            try:
                await self._use(await load(self._whole))
            except (EstateError, LoadError, StartError) as error:
                self._metrics.config_refused()
                self._log.error("estate not reloaded, the old one stays in force", problems=str(error).splitlines())
            self._notifier.ready(f"{len(self._specs)} checks to be made for the judge at {self._whole.vantage}")

    async def _use(self, estate: Estate) -> None:
        """What can fail comes first. Raises StartError."""
        place = estate.vantages.get(self._settings.vantage)
        if place is None or estate.vantage == self._settings.vantage or estate.name != self._whole.name:
            raise StartError(
                f"The estate {estate.name} has no prober at {self._settings.vantage} (its judge stands at "
                f"{estate.vantage}): restart this agent if it is to be another one."
            )
        if place.listen != self._place.listen or (place.url or "")[:6] != (self._place.url or "")[:6]:
            raise StartError(f"vantages.{place.name}: another `listen`, or `url` with TLS or without, needs a restart")
        token, _ = await asyncio.to_thread(_needed, place)
        await asyncio.to_thread(tls_context, place)  # a certificate that does not fit its key would end the old one
        await asyncio.to_thread(self._learn, estate)
        self._endpoint.believe(token)
        if self._tls is not None:
            _show(self._tls, place)
        self._whole, self._place = estate, place
        self._estate = _seen_from(estate, self._settings.vantage, self._estate)
        self._runner.load(self._estate)
        self._specs = _by_name(self._estate)
        self._metrics.config_accepted(estate.revision)
        self._log.info("estate reloaded", by="SIGHUP", revision=estate.revision[:12], checks=len(self._specs))

    async def stop(self) -> None:
        self._notifier.stopping()
        if self._reloading is not None:
            self._reloading.cancel()
            await asyncio.gather(self._reloading, return_exceptions=True)
        await self._parts.aclose()

    async def _access(self, metrics: ProberMetrics) -> AccessControl:
        settings = self._settings
        access = AccessControl(
            self._estate.access, settings.web_config, metrics.access, time.time, exposed=settings.exposed, shows=False
        )
        self._parts.push_async_callback(access.stop)
        try:
            await access.start()
        except AccessError as error:
            raise StartError(str(error)) from error
        return access

    async def _serve(self, server: WebServer) -> WebServer:
        await server.start()
        self._parts.push_async_callback(server.stop)
        return server

    def _beat(self) -> None:
        """Tell systemd's watchdog that the loop goes round: there is no schedule whose progress could show it."""

        async def beat() -> None:
            while True:
                self._notifier.progress(time.monotonic())
                await asyncio.sleep(1.0)

        task = asyncio.create_task(beat(), name="prober")

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._parts.push_async_callback(end)

    async def _probe(self, target: str, check: str) -> Mapping[str, Any] | None:
        """Make this check now, or join its run under way. None when the estate has no such check for this vantage."""
        spec = self._specs.get((target, check))
        if spec is None:
            return None
        result = await self._runner.run(spec, time.time())
        observation = result.observations[0]
        kind = self._kinds[spec.kind]
        try:
            body = observation_json(observation, kind)
        except WireError as error:
            body = observation_json(_untold(observation, spec, error), kind)
        targets = self._estate.targets
        asked = digest_of(targets[target], spec, [targets[name] for name in spec.inputs])
        return {"asked": asked, "observation": body}


def run_prober(
    estate: Estate,
    settings: Settings,
    kinds: Mapping[str, CheckKind],
    redactor: Redactor,
    refusals: Path,
    path: Path | None = None,
) -> None:
    """Run until SIGTERM or SIGINT. Refused log-ins are kept in the file `refusals`; `path` is read again at SIGHUP.

    Raises StartError.
    """
    redactor.learn_estate(estate)
    raise_descriptor_limit()

    async def whole_life() -> None:
        signals = HangUps()
        stop = stop_event(signals)
        loader = Loader(path) if path is not None else None
        try:
            prober = Prober(estate, settings, kinds, lockout_at(refusals), loader, redactor.learn_estate)
        except RefusalsError as error:
            raise StartError(str(error)) from error
        try:
            await prober.start()
            spare_the_collector()
            signals.heard_by(prober.hang_up)
            await stop.wait()
        finally:
            await prober.stop()

    with StderrFilter():
        asyncio.run(whole_life())


def tls_context(place: Vantage) -> ssl.SSLContext | None:
    """What the prober shows; None where its `url` says http, which is for loopback. Raises StartError."""
    if place.url is not None and place.url.startswith("http:"):
        host = (place.listen or "").rpartition(":")[0].strip("[]")
        if not ipaddress.ip_address(host).is_loopback:
            raise StartError(
                f"vantages.{place.name}.listen: {place.listen} is no loopback address, and `url` says http://, so that "
                "the token could be read on the way; let `url` begin with https://"
            )
        return None
    if place.certificate is None or place.key is None:
        raise StartError(f"vantages.{place.name} lacks `certificate` and `key`, which its prober shows to the judge")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _show(context, place)
    return context


def _show(context: ssl.SSLContext, place: Vantage) -> None:
    """Show the place's certificate to whoever connects from now on. Raises StartError."""
    assert place.key is not None and place.certificate is not None  # `tls_context` saw to it
    try:
        key = place.key.resolve()
        with _in_memory(key) as path:
            context.load_cert_chain(place.certificate, path)
    except SecretError as error:
        raise StartError(f"vantages.{place.name}.key: {error}") from error
    except (OSError, ssl.SSLError) as error:
        why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else type(error).__name__
        raise StartError(
            f"vantages.{place.name}: {place.certificate} and its key cannot be used ({why}); the file holds the "
            "certificate and those that signed it in PEM, and the key belongs to the first"
        ) from error


@contextlib.contextmanager
def _in_memory(key: Secret) -> Any:
    """A path under which OpenSSL reads the key, for it takes files only; nothing is written to a disk."""
    descriptor = os.memfd_create("key", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, key.reveal().encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _needed(place: Vantage) -> tuple[Secret, str]:
    if place.token is None or place.listen is None:
        raise StartError(
            f"vantages.{place.name} lacks `token` or `listen`: the agent that stands there answers the judge at "
            "`listen`, to whoever shows `token`"
        )
    try:
        return place.token.resolve(), place.listen
    except SecretError as error:
        raise StartError(f"vantages.{place.name}.token: {error}") from error


def _listen(addresses: Sequence[str]) -> Any:
    try:
        return listen(addresses)
    except ListenError as error:
        raise StartError(str(error)) from error


def _by_name(estate: Estate) -> dict[tuple[str, str], CheckSpec]:
    return {(target.name, spec.name): spec for target in estate.targets.values() for spec in target.checks}


def _seen_from(estate: Estate, vantage: str, before: Estate | None = None) -> Estate:
    """The estate with the checks that are made from this vantage, and no others; what is as `before` is the same."""
    known = before.targets if before is not None else {}

    def of(target: Target) -> Target:
        seen = replace(
            target, checks=tuple(spec for spec in target.checks if vantage in (*spec.vantages, *spec.places))
        )
        return known[target.name] if known.get(target.name) == seen else seen

    return replace(estate, targets={name: of(target) for name, target in estate.targets.items()})


def _not_here(subject: Subject, observations: object, memory: Memory | None, now: float) -> Assessment:
    """The judge assesses."""
    del subject, observations, memory, now
    return Assessment(())


def _untold(observation: Observation, spec: CheckSpec, error: WireError) -> Observation:
    """What was observed cannot be sent: said as the defect that it is."""
    from checks.contract import Fault, Reason

    message = f"{spec.id}: defect in the check {spec.kind}: {error}; please report it"
    fault = Fault(Reason.INTERNAL, message[:500], f"{spec.kind}/{Reason.INTERNAL.value}")
    return replace(observation, answers=None, fault=fault)
