"""A stack's certificates: they verify against the stack's own authority, for their names alone, for a week."""

import ssl
import stat
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from jitgress.local.certificates import Authority, write_key
from tests.builders import NOW, minutes

NAMES: Final = ("*.jit.localhost", "jit.localhost", "127.0.0.1")
WEEK: Final = timedelta(days=7)


def issued(folder: Path, authority: Authority, *names: str) -> x509.Certificate:
    authority.issue(names or NAMES, folder / "server.crt", folder / "server.key")
    return x509.load_pem_x509_certificate((folder / "server.crt").read_bytes())


def verify(
    certificate: x509.Certificate, authority: Authority, name: str = "orders.jit.localhost", at: datetime = NOW
) -> None:
    """Verify as a client does. Raises `VerificationError`."""
    subject: x509.DNSName | x509.IPAddress
    try:
        subject = x509.IPAddress(ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    store = Store([x509.load_pem_x509_certificate(authority.pem())])
    PolicyBuilder().store(store).time(at).build_server_verifier(subject).verify(certificate, [])


@pytest.mark.parametrize("name", ["orders.jit.localhost", "jit.localhost", "127.0.0.1"])
def test_a_certificate_verifies_for_each_of_its_names(tmp_path: Path, name: str) -> None:
    authority = Authority(NOW)

    verify(issued(tmp_path, authority), authority, name)


@pytest.mark.parametrize("name", ["a.b.jit.localhost", "orders.example.test", "127.0.0.2"])
def test_a_certificate_verifies_for_no_other_name(tmp_path: Path, name: str) -> None:
    authority = Authority(NOW)
    certificate = issued(tmp_path, authority)

    with pytest.raises(VerificationError):
        verify(certificate, authority, name)


def test_a_certificate_of_another_stack_does_not_verify(tmp_path: Path) -> None:
    certificate = issued(tmp_path, Authority(NOW))

    with pytest.raises(VerificationError):
        verify(certificate, Authority(NOW))


def test_a_certificate_is_valid_for_a_week_and_a_little_before_for_clocks_that_differ(tmp_path: Path) -> None:
    authority = Authority(NOW)
    certificate = issued(tmp_path, authority)

    verify(certificate, authority, at=NOW - minutes(5))
    verify(certificate, authority, at=NOW + WEEK)
    for moment in (NOW - minutes(6), NOW + WEEK + minutes(1)):
        with pytest.raises(VerificationError):
            verify(certificate, authority, at=moment)


def test_a_server_certificate_signs_nothing(tmp_path: Path) -> None:
    constraints = issued(tmp_path, Authority(NOW)).extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = issued(tmp_path, Authority(NOW)).extensions.get_extension_for_class(x509.KeyUsage).value

    assert not constraints.ca
    assert not usage.key_cert_sign


def test_two_certificates_have_different_keys_and_serials(tmp_path: Path) -> None:
    authority = Authority(NOW)
    first, second = issued(tmp_path, authority), issued(tmp_path, authority)

    assert first.serial_number != second.serial_number
    assert first.public_key() != second.public_key()


def test_a_key_that_isnt_the_certificates_is_refused_and_its_own_is_taken(tmp_path: Path) -> None:
    authority = Authority(NOW)
    issued(tmp_path, authority)
    authority.issue(NAMES, tmp_path / "other.crt", tmp_path / "other.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with pytest.raises(ssl.SSLError, match=r"(?i)key values mismatch"):
        context.load_cert_chain(tmp_path / "server.crt", tmp_path / "other.key")


def test_a_key_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    issued(tmp_path, Authority(NOW))
    write_key(ec.generate_private_key(ec.SECP256R1()), tmp_path / "other.key")

    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("server.key", "other.key")}

    assert modes == {0o600}


def test_the_authoritys_own_key_is_nowhere(tmp_path: Path) -> None:
    authority = Authority(NOW)
    certificate = issued(tmp_path, authority)

    key = serialization.load_pem_private_key((tmp_path / "server.key").read_bytes(), None)

    assert key.public_key() == certificate.public_key()
    assert b"PRIVATE" not in authority.pem()
