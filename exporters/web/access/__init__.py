"""Who gets in, and by which line: TLS, client certificates, passwords, tokens, and a proxy that vouches for people."""

from exporters.web.access.control import AccessControl, AccessError
from exporters.web.access.file import WebConfigError, WebFile, read_web_file
from exporters.web.access.policy import lacking

__all__ = ["AccessControl", "AccessError", "WebConfigError", "WebFile", "lacking", "read_web_file"]
