"""Receivers of alerts on this machine: an HTTP server and a mail server that answer as they are told to."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = "127.0.0.1"


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpReceiver:
    """`answers`: what the next requests get, and then everyone the last: status, headers, body; "hang" or "cut"."""

    url: str = ""
    answers: list[Any] = field(default_factory=lambda: [200])
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Any:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def http_receiver(*answers: Any) -> Iterator[HttpReceiver]:
    receiver = HttpReceiver(answers=list(answers) or [200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = receiver.answer(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if callable(answer):
                answer = answer(receiver.requests[-1])
            if answer == "hang":
                receiver.released.wait(20)
                return
            if answer == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, content = (answer, {}, b"ok") if isinstance(answer, int) else answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://{LOOPBACK}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()


@dataclass
class MailReceiver:
    """`refusals`: what the next recipients or mails get instead of being taken; `hang`: seconds before a mail is taken."""

    port: int = 0
    at_recipient: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    hang: float = 0.0
    mails: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_recipient:
            return self.at_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hang:
            time.sleep(self.hang)
        if self.at_data:
            return self.at_data.pop(0)
        self.mails.append(envelope)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


def bytes_of(envelope: Envelope) -> bytes:
    """A mail as it came."""
    assert isinstance(envelope.content, bytes)
    return envelope.content


@contextmanager
def mail_receiver(certificate: Path | None = None, password: bytes = b"", **settings: Any) -> Iterator[MailReceiver]:
    """A mail server; with a certificate it wants STARTTLS and a login."""
    receiver = MailReceiver(**settings)

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        receiver.logins.append((data.login, data.password))
        return AuthResult(success=data.password == password, handled=False)

    extra: dict[str, Any] = {}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        extra = {"tls_context": context, "require_starttls": True, "authenticator": login, "auth_required": True}
    controller = Controller(receiver, hostname=LOOPBACK, port=_free_port(), **extra)
    controller.start()
    receiver.port = controller.port
    try:
        yield receiver
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def make_certificate(path: Path) -> Path:
    """A certificate of this machine with its key, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, LOOPBACK)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path
