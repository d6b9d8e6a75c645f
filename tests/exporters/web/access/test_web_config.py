"""The web configuration file: what is refused and where, with `promtool check web-config` as witness."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from exporters.web.access import WebConfigError, read_web_file
from exporters.web.access.suites import SUITES, SUITES_OF_13
from exporters.web.access.tls import tls_of
from testbeds.certificates import Authority
from testbeds.peers import need

HASH = "$2b$04$ridgewayridgewayridgeupT1oa4IGXwR3AG16XHdwhaej03RD8qq"
"""Of the password "right"; always the same, since tests are named after it."""
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = TLS + "  client_ca_file: authority.pem\n"
NEWER = ("client_allowed_sans", "client_ca:", "  cert:", "  key:")
"""Keys that promtool of Debian 12 does not know yet."""
ACCEPTED = [
    pytest.param("{}", id="nothing"),
    pytest.param("tls_server_config:\n", id="no TLS"),
    pytest.param("tls_server_config: {}", id="no TLS, said so"),
    pytest.param(TLS, id="TLS"),
    pytest.param(TLS + "  client_auth_type: NoClientCert\n", id="no client certificates"),
    pytest.param(CLIENTS + "  client_auth_type: VerifyClientCertIfGiven\n", id="client certificates"),
    pytest.param(CLIENTS + "  client_auth_type: RequireAndVerifyClientCert\n", id="client certificates only"),
    pytest.param(CLIENTS + "  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [ann]\n", id="some"),
    pytest.param(TLS + "  min_version: TLS13\n  max_version: TLS13\n", id="versions"),
    pytest.param(TLS + "  prefer_server_cipher_suites: false\n", id="the client prefers"),
    pytest.param(TLS + f"  cipher_suites: [{', '.join(SUITES)}]\n", id="every suite"),
    pytest.param(TLS + f"  cipher_suites: [{', '.join([*SUITES, *SUITES_OF_13])}]\n", id="every suite, of 1.3 too"),
    pytest.param(TLS + f"  min_version: TLS13\n  cipher_suites: [{', '.join(SUITES_OF_13)}]\n", id="suites of 1.3"),
    *(pytest.param(TLS + f"  curve_preferences: [{curve}]\n", id=curve)
      for curve in ("CurveP256", "CurveP384", "CurveP521", "X25519")),
    pytest.param(f"basic_auth_users:\n  ann: {HASH}\n  bob: {HASH.replace('2b', '2y', 1)}\n", id="users"),
    pytest.param("http_server_config:\n  http2: true\n", id="http2"),
    pytest.param(
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n"
        "    X-XSS-Protection: '0'\n    Content-Security-Policy: default-src 'self'\n"
        "    Strict-Transport-Security: max-age=31536000\n", id="headers",
    ),
]  # fmt: skip
REFUSED = [
    ("basic_auth_user: {}", "1:1: basic_auth_user: unknown key (did you mean \"basic_auth_users\"?)"),
    (TLS + "  certfile: x\n", "4:3: tls_server_config.certfile: unknown key (did you mean \"cert_file\"?)"),
    ("basic_auth_users: {ann: hunter2}", "must be a bcrypt hash, as `htpasswd -nBC 10 NAME` prints it; never"),
    (f"basic_auth_users: {{ann: {HASH[:-2]}}}", "must be a bcrypt hash"),
    ("tls_server_config: {cert_file: server.pem}", '"key_file" is missing'),
    ("tls_server_config: {key_file: server.key}", '"cert_file" is missing'),
    ("tls_server_config: {client_auth_type: NoClientCert}", '"cert_file" is missing'),
    (TLS + "  client_auth_type: Sometimes\n", "4:21: tls_server_config.client_auth_type: must be NoClientCert"),
    (CLIENTS, "4:3: tls_server_config.client_ca_file: is of no use with NoClientCert"),
    (TLS.replace("server.pem", "no.pem"), "no.pem cannot be read: No such file or directory"),
    (TLS.replace("server.pem", "server.key"), "holds no certificate in PEM"),
    (TLS.replace("server.key", "other.key"), "3:13: tls_server_config.key_file: does not belong to the certificate"),
    (TLS.replace("server.key", "server.pem"), "must be a private key in PEM"),
    (TLS.replace("server.key", "encrypted.key"), "is encrypted, and nobody is there to ask for its passphrase"),
    (TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n", "keep nothing secret"),
    (TLS + "  cipher_suites: [NO_SUCH_SUITE]\n", "not the name of a suite"),
    (TLS + "  curve_preferences: [P256]\n", "must be CurveP256, CurveP384, CurveP521 or X25519"),
    (TLS + "  min_version: TLS9\n", "must be TLS10, TLS11, TLS12 or TLS13"),
    ("http_server_config: {headers: {X-Powered-By: us}}", "no header but Content-Security-Policy"),
    ("http_server_config: {headers: {x-frame-options: deny}}", "can be set, spelt so"),
    ("http_server_config: {headers: {X-Frame-Options: Deny}}", "X-Frame-Options is one of: deny, sameorigin"),
    ("http_server_config: {http3: true}", "unknown key (did you mean \"http2\"?)"),
    ("- a list", "must be a map"),
    (": : :", "not YAML"),
]  # fmt: skip
"""Both refuse these."""
OURS = [
    (TLS + "  client_auth_type: RequireAnyClientCert\n", "asks for no certificate without checking it"),
    (TLS + "  client_auth_type: RequireClientCert\n", "asks for no certificate without checking it"),
    (TLS + "  client_auth_type: RequestClientCert\n", "asks for no certificate without checking it"),
    (TLS + "  client_auth_type: RequireAndVerifyClientCert\n", "any public authority could let people in"),
    (TLS + "  min_version: TLS10\n", "4:3: tls_server_config.min_version: TLS 1.0 and 1.1 are broken (RFC 8996)"),
    (TLS + "  min_version: TLS13\n  max_version: TLS12\n", "is below min_version"),
    (TLS + "  curve_preferences: [X25519, CurveP256]\n", "Python's ssl takes one curve"),
    (TLS + "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n", "keep nothing secret once the key is lost"),
    (TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", "cannot be had singly"),
    (TLS + f"  cipher_suites: [{', '.join(SUITES_OF_13)}]\n", "names no suite of TLS 1.2"),
    (TLS + "  client_allowed_sans: [ann]\n", "is of no use with NoClientCert"),
    (TLS.replace("server.key", "open.key"), "every user of this machine can reach this key; run: chmod o-rwx"),
    (f"basic_auth_users: {{ann: {HASH.replace('$04$', '$31$')}}}", "has a cost of 31; from 04 to 15 is taken"),
    (f"basic_auth_users: {{'a:b': {HASH}}}", 'with ":" nobody could send it'),
    (f"basic_auth_users: {{1: {HASH}}}", "must be the name of a person; put it in quotes"),
    (f"basic_auth_users: {{' ann': {HASH}}}", "without space at the ends"),
    (CLIENTS.replace("authority.pem", "server.key") + "  client_auth_type: RequireAndVerifyClientCert\n",
     "holds no certificate of an authority in PEM"),
    ("", "1:1: is empty"),
    (f"basic_auth_users: {{ann: {HASH[:-1]}}}", "must be a bcrypt hash"),
]  # fmt: skip
"""What the toolkit takes and cannot be had here, or is not safe: never ignored, but refused."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    authority = Authority()
    issued, other = authority.issue(), authority.issue()
    issued.write(tmp_path)
    other.write(tmp_path, "other")
    (tmp_path / "open.key").write_text(issued.key_pem)
    (tmp_path / "authority.pem").write_text(authority.pem)
    encrypted = ["pkey", "-in", "server.key", "-aes256", "-passout", "pass:hunter2", "-out", "encrypted.key"]
    subprocess.run([need("openssl"), *encrypted], cwd=tmp_path, check=True)
    for key in ("server.pem", "server.key", "other.key", "encrypted.key"):
        (tmp_path / key).chmod(0o600)
    return tmp_path


def judged(home: Path, content: str) -> str:
    """What we say to it; empty where we take it."""
    path = home / "web-config.yml"
    path.write_text(content)
    try:
        tls_of(read_web_file(path))
    except WebConfigError as error:
        return str(error).replace(f"{path}:", "")
    return ""


def promtool_takes(home: Path) -> bool:
    command = [need("promtool"), "check", "web-config", str(home / "web-config.yml")]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize("content", ACCEPTED)
def test_what_we_take_promtool_takes(home: Path, content: str) -> None:
    assert judged(home, content) == ""
    assert promtool_takes(home) or any(key in content for key in NEWER)


@pytest.mark.parametrize(("content", "words"), REFUSED)
def test_what_promtool_refuses_we_refuse_saying_where_and_why(home: Path, content: str, words: str) -> None:
    assert words in judged(home, content)
    assert not promtool_takes(home)


@pytest.mark.parametrize(("content", "words"), OURS)
def test_what_cannot_be_had_here_is_refused_and_not_ignored(home: Path, content: str, words: str) -> None:
    assert words in judged(home, content)


def test_everything_that_is_wrong_is_said_at_once_and_no_value_is_repeated(home: Path) -> None:
    said = judged(
        home, "basic_auth_users: {ann: hunter2}\ntls_server_config: {key: hunter2, keyfile: hunter2, min_version: 1}\n"
    )

    assert len(said.splitlines()) == 3
    assert "hunter2" not in said


def test_certificate_and_key_may_stand_in_the_file_itself(home: Path) -> None:
    def block(name: str, file: str) -> str:
        lines = (home / file).read_text().splitlines()
        return f"  {name}: |\n" + "".join(f"    {line}\n" for line in lines)

    inline = "tls_server_config:\n" + block("cert", "server.pem") + block("key", "server.key")
    clients = "  client_auth_type: RequireAndVerifyClientCert\n" + block("client_ca", "authority.pem")

    assert judged(home, inline + clients) == ""
    assert "say one of them" in judged(home, inline + "  cert_file: server.pem\n")


def test_paths_are_relative_to_the_file_as_in_the_toolkit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert judged(home, TLS) == ""


def test_the_example_that_is_shipped_is_taken_by_both(home: Path) -> None:
    shipped = (Path(__file__).parents[4] / "config" / "web-config" / "web-config.yml").read_text()
    for kind in ("pem", "key"):
        (home / f"server.{kind}").rename(home / f"ridgeway.{kind}")

    assert judged(home, shipped) == ""
    assert promtool_takes(home)
