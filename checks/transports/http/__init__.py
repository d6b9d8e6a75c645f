"""HTTP: one question to one address, bounded in time and size; TLS verified or pinned; requests does the talking."""

from checks.transports.http.question import HttpQuestion, HttpReply, Limits, Phases, Post, TlsFacts
from checks.transports.http.status import refusal
from checks.transports.http.tls_fault import TlsFault, TlsProblem
from checks.transports.http.transport import HttpTransport
from checks.transports.http.url import Url, host_name

__all__ = [
    "HttpQuestion",
    "HttpReply",
    "HttpTransport",
    "Limits",
    "Phases",
    "Post",
    "TlsFacts",
    "TlsFault",
    "TlsProblem",
    "Url",
    "host_name",
    "refusal",
]
