"""What is restored of a backup of files: the canary, and samples."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

from agent.restore_drills.canary import LARGEST, understood
from agent.restore_drills.options import SamplesOptions
from agent.restore_drills.products import Point, Product
from agent.restore_drills.samples import compared, drawn
from agent.restore_drills.scratch import Room, opened
from agent.restore_drills.verdict import Brought, Failed


@dataclass(frozen=True, slots=True)
class Draw:
    """How samples are drawn."""

    options: SamplesOptions
    most: int
    """Octets of one file."""
    chance: random.Random


def canary(product: Product, point: Point, room: Room, path: str) -> Brought:
    """The canary's file, whole. Raises Failed, Unproven."""
    seconds = product.restore(point, [path], room.restored)
    try:
        with os.fdopen(opened(room.restored, path), "rb") as file:
            octets = file.read(LARGEST)
    except OSError as error:
        raise Failed(f"the canary {path} did not come back: {error.strerror}; is it in this backup?") from error
    return Brought(seconds, len(octets), f"canary {understood(octets).nonce[:8]} came back whole", octets, point.at)


def samples(product: Product, point: Point, room: Room, draw: Draw) -> Brought:
    """Some files, as they must be. Raises Failed, Unproven."""
    options = draw.options
    files, left_out = drawn(product.files(point, options.under), options.count, draw.most, draw.chance)
    if not files:
        raise Failed(f"the restore point lists no file below {options.under} that could be restored")
    seconds = product.restore(point, [one.path for one in files], room.restored)
    live = sum(compared(one, room, product, point, options.live) for one in files)
    octets = sum(one.size for one in files)
    words = f"{len(files)} files of {octets} bytes came back whole: {live} as the originals are, "
    words += f"{len(files) - live} as a second reading has them"
    return Brought(seconds, octets, words + (f"; {left_out} are too large for this drill" if left_out else ""))
