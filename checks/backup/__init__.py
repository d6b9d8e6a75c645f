"""The kind `backup`: everything that must be protected, judged by what all its backup products tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from checks.backup.families import FAMILIES
from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.note import LARGEST
from checks.backup.options import KIND, BackupOptions
from checks.backup.products import ProductOptions, reader_of, targets_of
from checks.backup.proofs import Proofs, read_proofs
from checks.contract import Assessment, CheckKind, Context, Fault, KindDefaults, Memory, Observation, Subject, Target
from checks.network.limits import give_up_at
from checks.transports.aside import Crowded, StillHanging
from checks.transports.fault import TransportFault
from config.estate import MofN, WakeClass


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the products keep from one round to the next: as long as the same is asked and every answer was judged.

    Of a product only what is new is asked, and an object that was just declared has no history yet.
    """

    options: BackupOptions
    products: dict[str, object]


async def collect(target: Target, options: BackupOptions, ctx: Context) -> Observation:
    """Ask every product at once, each with a fault of its own.

    Where there is one product, at the check's own target, and it cannot be reached, that is the round's fault.
    """
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    known = ctx.kept if isinstance(ctx.kept, _Kept) and ctx.kept.options == options and not ctx.unjudged else None
    kept = known.products if known is not None else {}
    at = {one.name: one for one in ctx.inputs}
    products = asyncio.gather(
        *(
            _part(name, at.get(product.target or "", target), product, ctx, kept)
            for name, product in options.products.items()
        )
    )
    parts, proofs = await asyncio.gather(products, _proofs(options, ctx))
    ctx.kept = _Kept(options, kept)
    answers = BackupAnswers(dict(zip(options.products, parts, strict=True)), proofs)
    only = parts[0] if len(parts) == 1 and not ctx.inputs else None
    fault = only.fault if only is not None and only.account is None else None
    duration = loop.time() - begun
    return Observation(target.name, ctx.vantage, started, duration, None if fault else answers, fault)


async def _part(
    name: str, target: Target, options: ProductOptions, ctx: Context, kept: dict[str, object]
) -> ProductPart:
    further = tuple(one for one in ctx.inputs if one.name in targets_of(options))
    try:
        account, kept[name] = await reader_of(options)(target, options, replace(ctx, inputs=further), kept.get(name))
    except TransportFault as error:
        return ProductPart(fault=Fault(error.reason, error.message[:500], f"{KIND}/{error.reason.value}"))
    return ProductPart(account)


async def _proofs(options: BackupOptions, ctx: Context) -> Proofs | None:
    """What drills left, where the estate says in which directory; one that does not answer is not read."""
    directory, declared = options.proofs, frozenset(options.objects)
    if directory is None:
        return None
    try:
        async with asyncio.timeout_at(give_up_at(ctx.deadline, asyncio.get_running_loop().time())):
            return await ctx.transports.aside.run(
                f"proofs in {directory}", lambda: read_proofs(directory, declared, ctx.now())
            )
    except TimeoutError:
        return Proofs(unread={".": f"{directory} does not answer in time"})
    except (StillHanging, Crowded) as error:
        return Proofs(unread={".": f"{directory}: {error}"})


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the answers carry their own time
    """What the answers mean. Without any, nothing is judged: the fault speaks for itself."""
    options = subject.check.options
    assert isinstance(options, BackupOptions)  # the catalogue pairs options with kinds
    for observation in observations:
        if isinstance(observation.answers, BackupAnswers):
            return judged(options, observation.answers, memory, observation.started + observation.duration)
    return Assessment(findings=())


CHECK = CheckKind(
    kind=KIND,
    title="Backups: complete, recent, out of reach, and proven",
    options=BackupOptions,
    answers=BackupAnswers,
    defaults=KindDefaults(
        every=300.0, timeout=120.0, open_after=MofN(1, 1), clear_after=MofN(1, 1), wake=WakeClass.MORNING
    ),
    finding_keys={
        "backup/protection/<object>": "Something stands in the way of its next restore: its RPO, its runs, its job.",
        "backup/size/<object>": "Its runs took far more or less than ever, never change, or look like ransomware.",
        "backup/retention/<object>": "Too little is kept, or many restore points have gone at once.",
        "backup/copies/<object>": "Too few copies, kinds of storage or places, or none out of an attacker's reach.",
        "backup/verified/<object>": "Its data was found damaged, or has not been read again for too long.",
        "backup/restored/<object>": "A restore failed, takes too long, or has not been proved for too long.",
        "backup/job/<product>/<job>": "A job of several objects is off, hangs, did not start, or failed for most.",
        "backup/repository/<product>/<name>": "A repository is not there, or has no room: all that lies there waits.",
        "backup/lock/<product>/<name>": "Points are locked for less time than they were or must be: security.",
        "backup/product/<name>": "A product could not be read whole: what it protects is not known for now.",
        "backup/undeclared/<name>": "It backs up what nobody declared, so nobody owns it.",
        "backup/unprotected/<name>": "It could back up what no job takes and nobody declared.",
        "backup/server/<name>": "The backup of the backup server's own configuration is old, or off.",
        "backup/proofs": "What restore drills left could not be read: a failure may stand in it.",
        "pair/member/<target>": "The server of a product cannot be reached.",
        "backup/no-answer": "The backup server does not answer in time.",
        "backup/refused": "Nothing listens there: see the product's service and the port.",
        "backup/authentication": "It does not take the account: see the credential.",
        "backup/forbidden": "The account may not read what is asked: give it the role of a viewer.",
        "backup/protocol": "What answers is not the product, or its certificate is not trusted.",
        "backup/limit": "It answers too slowly, too much, or wants to be asked less often.",
        "backup/local": "The agent itself could not ask: the credential's kind, secret, settings.",
        "backup/name": "The target's name does not resolve.",
    },
    families=lambda: FAMILIES,
    collect=collect,
    assess=assess,
    inputs=lambda options: [name for one in options.products.values() for name in targets_of(one)],
    largest_memory=LARGEST,
    assessed_aside=True,
)
__all__ = ["CHECK", "BackupAnswers", "BackupOptions"]
