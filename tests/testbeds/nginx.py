"""A real nginx on free loopback ports: sites with given certificates, and pages for every check of a page."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbeds.certificates import Issued
from testbeds.peers import need, wait_until

USER, PASSWORD = "reader", "correct-horse"
"""Whom `/private` lets in."""
_HASHED = "{PLAIN}" + PASSWORD
PAGES = """
            location / { root %(pages)s; }
            location = /moved { return 302 /; }
            location = /elsewhere { return 302 http://elsewhere.example/; }
            location = /around { return 302 /around; }
            location = /forbidden { return 403; }
            location = /busy { add_header Retry-After 120 always; return 503; }
            location = /often { add_header Retry-After 7 always; return 429; }
            location = /empty { return 204; }
            location = /bomb { add_header Content-Encoding gzip always; alias %(pages)s/bomb.gz; }
            location = /private { auth_basic "council"; auth_basic_user_file %(users)s; alias %(pages)s/index.html; }
            location = /told { return 200 "$http_authorization|$http_x_api_key|$http_cookie|$host|$ssl_client_s_dn"; }
            location = /cookie { add_header Set-Cookie "session=1"; return 200 "ok"; }
"""
INDEX = "<html><title>Ridgeway test page</title>all is well</html>\n"


@dataclass(frozen=True, slots=True)
class Site:
    """One listener: with a certificate it speaks TLS; `clients` is the authority whose client certificates it wants."""

    issued: Issued | None = None
    leaf_only: bool = False
    """Send the certificate without its intermediate."""
    clients: str | None = None
    extra: str = ""
    """More configuration of this server block."""


class Nginx:
    """Running; `port` has the port of each site by name."""

    def __init__(self, folder: Path, port: Mapping[str, int], process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.port = port
        self.process = process

    @property
    def pages(self) -> Path:
        return self.folder / "pages"

    def requests(self) -> list[str]:
        """The access log: `status method path authorization` of each request that came."""
        return (self.folder / "access.log").read_text().splitlines()


@contextlib.contextmanager
def running(
    sites: Mapping[str, Site], files: Mapping[str, bytes] | None = None, where: str = "127.0.0.1"
) -> Iterator[Nginx]:
    """Start nginx with these sites, and stop it with the block. `files` are pages beside `index.html`."""
    program = need("nginx")
    with tempfile.TemporaryDirectory(prefix="ridgeway-nginx-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # its workers are another user
        (folder / "pages").mkdir()
        for name, content in {"index.html": INDEX.encode(), **(files or {})}.items():
            (folder / "pages" / name).write_bytes(content)
        (folder / "users").write_text(f"{USER}:{_HASHED}\n")
        ports = _free_ports(sites)
        servers = [_server(folder, name, site, f"{where}:{ports[name]}") for name, site in sites.items()]
        (folder / "nginx.conf").write_text(_configuration(folder, servers))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, "-p", scratch, "-c", str(folder / "nginx.conf")], stdout=log, stderr=log
            )
        try:
            wait_until(
                lambda: process.poll() is not None or all(_listens(port) for port in ports.values()), "nginx listens"
            )
            assert process.poll() is None, (folder / "log").read_text()
            yield Nginx(folder, ports, process)
        finally:
            process.terminate()
            process.wait(10)


def _free_ports(names: Iterable[str]) -> dict[str, int]:
    """A free port for each name, no two alike: two sites on one port would be one with two names."""
    with contextlib.ExitStack() as held:
        taken = {}
        for name in names:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            taken[name] = int(probe.getsockname()[1])
        return taken


def _configuration(folder: Path, servers: Sequence[str]) -> str:
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        "events { worker_connections 512; }\nhttp {\n"
        f"{temporary}"
        '    log_format told "$status $request_method $request_uri $http_authorization";\n'
        f"    access_log {folder}/access.log told;\n"
        "    default_type text/html;\n" + "".join(servers) + "}\n"
    )


def _server(folder: Path, name: str, site: Site, at: str) -> str:
    told = f"    server {{\n        listen {at}{' ssl' if site.issued else ''};\n"
    if site.issued is not None:
        chain, key = site.issued.write(folder, name)
        if site.leaf_only:
            chain.write_text(site.issued.leaf_pem)
        told += f"        ssl_certificate {chain};\n        ssl_certificate_key {key};\n"
        told += "        ssl_protocols TLSv1.2 TLSv1.3;\n"
        told += "        ssl_ciphers DEFAULT:@SECLEVEL=0;\n"  # else nginx refuses to start with a weak key
    if site.clients is not None:
        (folder / f"{name}-clients.pem").write_text(site.clients)
        told += f"        ssl_client_certificate {folder}/{name}-clients.pem;\n        ssl_verify_client on;\n"
    pages = PAGES % {"pages": folder / "pages", "users": folder / "users"}
    return f"{told}{pages}\n        {site.extra}\n    }}\n"


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
