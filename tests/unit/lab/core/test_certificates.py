"""Certificates, judged by a real TLS handshake."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path

import pytest

from lab.certificates import Authority, Issued


def handshake(authority: Path, issued: Issued, host: str) -> None:
    """A client that trusts `authority` and wants `host` meets a server with `issued`; raises ssl.SSLError."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(issued.certificate, issued.key)
    client_context = ssl.create_default_context(cafile=str(authority))
    # Python 3.13 is strict by default; be so everywhere.
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _round in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.getpeercert()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue("server", ["127.54.3.4", "demo.cluster.example", "localhost"])


@pytest.mark.parametrize("host", ["127.54.3.4", "demo.cluster.example", "localhost"])
def test_certificate_is_good_for_its_hosts(authority: Authority, issued: Issued, host: str) -> None:
    handshake(authority.certificate, issued, host)


@pytest.mark.parametrize("host", ["127.54.3.5", "other.example"])
def test_certificate_is_bad_for_other_hosts(authority: Authority, issued: Issued, host: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid"):
        handshake(authority.certificate, issued, host)


def test_another_authority_does_not_vouch(issued: Issued, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(Authority.create(tmp_path).certificate, issued, "localhost")


def test_keys_are_for_the_owner_and_certificates_for_all(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        authority = Authority.create(tmp_path / "new")
        issued = authority.issue("server", ["localhost"])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o711
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (issued.key, issued.certificate, authority.certificate)
    ]
    assert modes == [0o600, 0o644, 0o644]


def test_the_authority_s_own_key_is_never_written(tmp_path: Path) -> None:
    Authority.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ca.crt"]


def test_a_certificate_can_be_issued_again(authority: Authority) -> None:
    first = authority.issue("again", ["localhost"]).certificate.read_bytes()
    again = authority.issue("again", ["localhost"])
    assert again.certificate.read_bytes() != first
    handshake(authority.certificate, again, "localhost")
