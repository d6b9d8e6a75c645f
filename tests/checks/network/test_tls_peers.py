"""The tls check against real servers, and its word on a chain against that of openssl's own tools."""

import os
import re
import subprocess
from contextlib import contextmanager

import pytest

from checks.network.tls import CHECK, TlsOptions
from testbeds.certificates import Authority, expired, of_tomorrow
from testbeds.peers import free_port, need, wait_until
from testbeds.postgres import PostgresCluster
from testbeds.single import asked, check, states, subject

pytestmark = pytest.mark.acceptance
AUTHORITY = Authority()


@pytest.fixture
def ca(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(AUTHORITY.pem)
    return path


@contextmanager
def _s_server(folder, issued, *arguments, chain=None):
    """`openssl s_server` that shows a certificate and the chain above it."""
    (folder / "leaf.pem").write_text(issued.leaf_pem)
    (folder / "key.pem").write_text(issued.key_pem)
    (folder / "above.pem").write_text(issued.chain_pem.removeprefix(issued.leaf_pem) if chain is None else chain)
    with _listening(folder, *arguments) as port:
        yield port


@contextmanager
def _listening(folder, *arguments):
    """The same with files that are there already."""
    port, above = free_port(), folder / "above.pem"
    command = [need("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-cipher", "ALL:@SECLEVEL=0"]
    command += ["-cert", folder / "leaf.pem", "-key", folder / "key.pem", *arguments]
    command += ["-cert_chain", above] if above.exists() and above.read_text() else []
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: b"ACCEPT" in (folder / "log").read_bytes(), "s_server listens")
            yield port
        finally:
            process.kill()
            process.wait(10)


async def _found(port, **options):
    chosen = TlsOptions(port=port, **{"server_name": "localhost"} | options)
    observation = await asked(CHECK, chosen, "127.0.0.1", timeout=5.0)
    assert observation.fault is None, observation.fault
    assessment = CHECK.assess(subject(check("tls", chosen)), (observation,), None, observation.started)
    return {key.split("/")[2]: state for key, state in states(assessment.findings).items()}, observation.answers


def _s_client(port, ca):
    """The errors that `openssl s_client` finds, as numbers; it goes on after each as the check does."""
    said = subprocess.run(
        [need("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", ca, "-no-CApath", "-no-CAstore",
         "-servername", "localhost", "-verify_hostname", "localhost", "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=20,
    )  # fmt: skip
    found = {
        int(number) for number in re.findall(rb"^verify error:num=(\d+):", said.stdout + said.stderr, re.MULTILINE)
    }
    return found - {21} if 20 in found else found  # OpenSSL 3 follows up on a missing issuer, OpenSSL 4 does not


_OF_TIME, _OF_NAME = {9, 10}, {62, 64}
CASES = {
    "good": lambda: AUTHORITY.issue(intermediate=True),
    "expired": lambda: expired(AUTHORITY),
    "of tomorrow": lambda: of_tomorrow(AUTHORITY),
    "another name": lambda: AUTHORITY.issue(["other.test"]),
    "a wildcard of one label": lambda: AUTHORITY.issue(["*.test"]),
    "an address only": lambda: AUTHORITY.issue(["127.0.0.1"]),
    "self-signed": lambda: AUTHORITY.issue(self_signed=True),
    "of a stranger": lambda: Authority("stranger").issue(intermediate=True),
    "for clients": lambda: AUTHORITY.issue(client=True),
    "expired, of another name, of a stranger": lambda: expired(Authority("stranger"), ["other.test"]),
    "weak": lambda: AUTHORITY.issue(key="rsa1024"),
}


@pytest.mark.parametrize("case", [*CASES, "intermediate missing", "a root that was sent"])
async def test_the_check_and_openssl_agree_on_what_is_wrong(tmp_path, ca, case):
    issued = CASES[case]() if case in CASES else AUTHORITY.issue(intermediate=True)
    stranger = Authority("stranger")
    if case == "a root that was sent":
        issued = stranger.issue()
    chain = {"intermediate missing": "", "a root that was sent": stranger.pem}.get(case)

    with _s_server(tmp_path, issued, chain=chain) as port:
        errors = _s_client(port, ca)
        found, answers = await _found(port, ca=str(ca))

    assert {fault.code for fault in answers.chain_faults} == errors - _OF_TIME - _OF_NAME
    assert (found["chain"] == "critical") == bool(errors - _OF_TIME - _OF_NAME)
    assert (found["expiry"] == "critical") == bool(errors & _OF_TIME)
    assert (found["name"] == "critical") == bool(errors & _OF_NAME)


@pytest.mark.parametrize(("version", "state"), [("tls1", "warning"), ("tls1_1", "warning"), ("tls1_2", "ok")])
async def test_old_versions_are_still_read_and_told(tmp_path, version, state):
    with _s_server(tmp_path, AUTHORITY.issue(), f"-{version}") as port:
        found, answers = await _found(port)

    assert answers.version == {"tls1": "TLSv1", "tls1_1": "TLSv1.1", "tls1_2": "TLSv1.2"}[version]
    assert found["version"] == state


async def test_a_signature_with_sha_1_is_told(tmp_path, ca):
    request = [need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-sha1", "-subj"]
    above = ["-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.pem"]
    subprocess.run([*request, "/CN=old authority", *above], check=True, capture_output=True)
    leaf = ["-CA", tmp_path / "ca.pem", "-CAkey", tmp_path / "ca.key", "-addext", "subjectAltName=DNS:localhost"]
    leaf += [
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        tmp_path / "key.pem",
        "-out",
        tmp_path / "leaf.pem",
    ]
    subprocess.run([*request, "/CN=localhost", *leaf], check=True, capture_output=True)

    with _listening(tmp_path) as port:
        found, _ = await _found(port, ca=str(tmp_path / "ca.pem"))

    assert found["key"] == "warning"
    assert found["chain"] == "ok"


async def test_nginx_shows_the_certificate_of_the_name_that_is_asked_for(tmp_path, ca):
    port = free_port()
    blocks = []
    for number, name in enumerate(("www.test", "old.test")):
        issued = AUTHORITY.issue([name], intermediate=True) if number == 0 else expired(AUTHORITY, [name])
        chain, key = issued.write(tmp_path, name)
        blocks.append(
            f"server {{ listen 127.0.0.1:{port} ssl; server_name {name}; ssl_certificate {chain}; "
            f"ssl_certificate_key {key}; }}"
        )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log info; master_process off;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; "
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        + "\n".join(blocks)
        + "\n}\n"
    )
    command = [need("nginx"), "-c", tmp_path / "nginx.conf", "-p", tmp_path, "-e", tmp_path / "error.log"]

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until((tmp_path / "pid").exists, "nginx runs")
            good, _ = await _found(port, server_name="www.test", ca=str(ca))
            old, _ = await _found(port, server_name="old.test", ca=str(ca))
        finally:
            process.terminate()
            process.wait(10)

    assert set(good.values()) == {"ok"}
    assert {key for key, state in old.items() if state != "ok"} == {"expiry"}
    log = (tmp_path / "error.log").read_text()
    assert not re.search(r"\[(warn|error|crit)\]|SSL_do_handshake\(\) failed|reset by peer", log)


async def test_a_real_postgresql_is_upgraded_and_its_log_stays_quiet(ca):
    cluster = PostgresCluster()
    try:
        before = await asked(CHECK, TlsOptions(port=cluster.port, starttls="postgres"), "127.0.0.1", timeout=5.0)
        cluster.stop()
        data = cluster._directory / "data"
        chain, key = AUTHORITY.issue(intermediate=True).write(data)
        for path in (chain, key):
            path.chmod(0o600)
            owner = data.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(f"\nssl = on\nssl_cert_file = '{chain}'\nssl_key_file = '{key}'\n")
        cluster.start()
        length = len((cluster._directory / "log").read_text())
        found, answers = await _found(cluster.port, starttls="postgres", ca=str(ca))
        said = (cluster._directory / "log").read_text()[length:]
    finally:
        cluster.close()

    assert "answers N to the request for SSL" in before.fault.message
    assert set(found.values()) == {"ok"}
    assert answers.version == "TLSv1.3"
    assert not re.search("ERROR|FATAL|could not|incomplete", said)
