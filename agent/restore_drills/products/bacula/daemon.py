"""The drill's own file daemon: it runs while the drill restores, as the drill's user, and dies with it.

So what the director has restored is the drill's, lands in its scratch place or nowhere, and a drill that is killed
leaves nobody behind who writes. It takes no backup and runs no script, whatever a director asks of it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from agent.restore_drills.options.tools import BaculaDrill
from agent.restore_drills.running import Runner, Started, secret_path
from agent.restore_drills.verdict import Unproven
from checks.printable import printable

_LISTENING = "0A"
_STARTS = 15.0
_LOOK = 0.02
_CONFIGURATION = """FileDaemon {{
  Name = "{client}"
  FDAddress = {address}
  FDPort = {port}
  WorkingDirectory = "{home}"
  PidDirectory = "{home}"
  DisableCommand = backup, estimate, RunBeforeNow, RunAfterJob, Run
}}
Messages {{
  Name = Standard
  director = "{director}" = all, !skipped, !restored
}}
@"{secret}"
"""


@contextlib.contextmanager
def file_daemon(options: BaculaDrill, runner: Runner) -> Iterator[None]:
    """It listens during the block. Raises Unproven."""
    address, _, port = options.listen.rpartition(":")
    if _listens(int(port)):
        raise Unproven(f"port {port} is taken on this machine: name a free one in `listen`, and in the director")
    home = runner.room.aside / "file-daemon"
    home.mkdir(mode=0o700, exist_ok=True)
    configuration = home / "bacula-fd.conf"
    said = _CONFIGURATION.format(client=options.client, address=address, port=port, home=home,
                                 director=options.director, secret=secret_path(options.file_daemon))  # fmt: skip
    configuration.write_text(said)
    with runner.beside("bacula-fd", ("-f", "-P", "-c", str(configuration))) as daemon:
        _wait(daemon, int(port))
        yield


def _wait(daemon: Started, port: int) -> None:
    until = time.monotonic() + _STARTS
    while not _listens(port):
        if daemon.process.poll() is not None or time.monotonic() > until:
            said = [line for line in (daemon.said + "\n" + daemon.printed).splitlines() if line.strip()]
            raise Unproven(f"bacula-fd does not start: {printable(said[-1].strip())[:200] if said else 'no words'}")
        time.sleep(_LOOK)


def _listens(port: int) -> bool:
    """Whether somebody listens there. The kernel is asked: a connection would be told the director as an alert."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):  # no IPv6
            for line in Path("/proc/self/net", table).read_text(encoding="ascii").splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    return True
    return False
