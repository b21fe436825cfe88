"""The end of a certificate: of the whole chain, as it was taken, and unknown where nobody can know it."""

from __future__ import annotations

import datetime as dt
import subprocess
from typing import TYPE_CHECKING

from httpservice.certificate import ServedCertificate

if TYPE_CHECKING:
    from pathlib import Path

_DAY = 86400.0


def _ends_in(folder: Path, name: str, days: int) -> Path:
    """Make a self-signed certificate that ends in so many days."""
    file = folder / f"{name}.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", str(days), "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(file)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return file


def _days_left(certificate: ServedCertificate) -> float:
    expires_at = certificate.expires_at()
    assert expires_at is not None
    return (expires_at - dt.datetime.now(dt.UTC).timestamp()) / _DAY


def test_without_tls_the_end_is_not_known() -> None:
    """Plain HTTP has no certificate: None, so that no number is exposed."""
    assert ServedCertificate().expires_at() is None


def test_the_end_is_that_of_the_certificate(tmp_path: Path) -> None:
    """Days as openssl was told."""
    certificate = ServedCertificate()
    certificate.loaded(_ends_in(tmp_path, "leaf", 90))
    assert 89.9 < _days_left(certificate) <= 90


def test_an_intermediate_that_ends_first_counts(tmp_path: Path) -> None:
    """A client refuses the chain as soon as one of its certificates has ended."""
    chain = tmp_path / "chain.pem"
    parts = [_ends_in(tmp_path, "leaf", 90), _ends_in(tmp_path, "intermediate", 10)]
    chain.write_text("".join(part.read_text(encoding="utf-8") for part in parts), encoding="utf-8")
    certificate = ServedCertificate()
    certificate.loaded(chain)
    assert 9.9 < _days_left(certificate) <= 10


def test_a_file_that_cannot_be_read_leaves_the_end_unknown(tmp_path: Path) -> None:
    """The end of the certificate before is not told for the new one."""
    certificate = ServedCertificate()
    certificate.loaded(_ends_in(tmp_path, "leaf", 90))
    (tmp_path / "leaf.pem").write_text("no certificate", encoding="utf-8")
    certificate.loaded(tmp_path / "leaf.pem")
    assert certificate.expires_at() is None
    certificate.loaded(tmp_path / "absent.pem")
    assert certificate.expires_at() is None
