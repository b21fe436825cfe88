"""Until when the certificate that a server shows is good.

The moment is the earliest end in the file, leaf and intermediates: a client refuses the chain from then on. It belongs
to what was really loaded: a renewed file that TLS refused is not told of (docs/decisions/0402).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from httpservice.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

log = get_logger(__name__)


class ServedCertificate:
    """The certificate that new connections are shown; written by the server, read by the metrics."""

    def __init__(self) -> None:
        self._expires_at: float | None = None

    def expires_at(self) -> float | None:
        """Return the Unix seconds of its end; None: the server speaks plain HTTP, or the end is not known."""
        return self._expires_at

    def loaded(self, file: Path) -> None:
        """Note that TLS took this file just now."""
        try:
            self._expires_at = _earliest_end(file.read_bytes())
        except (OSError, ValueError) as error:
            self._expires_at = None
            log.warning("certificate's end not known", file=str(file), error=str(error))


def _earliest_end(pem: bytes) -> float:
    """Return the Unix seconds at which the first certificate of a PEM file ends.

    Raises:
        ValueError: there is no certificate in it, or one that cannot be read.
    """
    return min(one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(pem))
