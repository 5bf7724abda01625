"""Makes the throw-away certificate of a simulated device, and tells its key as it is pinned."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def made(name: str) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context with a self-signed certificate, and its key as OpenSSH writes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return _context(certificate.public_bytes(pem) + private), public.decode()


def _context(chain: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Tickets come whenever they like; without them a test can count what was answered.
    context.num_tickets = 0
    with tempfile.NamedTemporaryFile() as file:  # load_cert_chain reads files only; mode is 0600
        file.write(chain)
        file.flush()
        context.load_cert_chain(file.name)
    return context
