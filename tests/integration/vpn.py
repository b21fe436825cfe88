"""A real VPN: OpenVPN in server mode in one namespace, a client with a network behind it in another.

The cable between them is 192.0.2.0/30 (TEST-NET-1). The tunnel is 10.20.0.0/24; behind the client lies 10.20.1.0/24
(an iroute, as real sites have it). Certificates are made anew for each test.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from tests.integration.namespace import Namespace, ip, join
from tests.integration.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

UPLINK: Final = "192.0.2.2"  # the other end of the cable: answers whatever the tunnel does
HUB: Final = "10.20.0.2"  # the client's end of the tunnel
SITES: Final = ("10.20.1.11", "10.20.1.12")  # devices behind the client

_COMMON: Final = "proto udp\nport 1194\ndev tun0\ncipher AES-256-GCM\nverb 3\npersist-key\nkeepalive 2 10\n"
_SERVER: Final = (
    _COMMON
    + "local 192.0.2.1\nmode server\ntls-server\ndh none\ntopology subnet\nserver 10.20.0.0 255.255.255.0\n"
    + "route 10.20.1.0 255.255.255.0 10.20.0.2\nclient-config-dir {folder}/ccd\n"
    + "ca {folder}/ca.crt\ncert {folder}/server.crt\nkey {folder}/server.key\n"
)
_CLIENT: Final = (
    _COMMON
    + "client\nremote 192.0.2.1\nnobind\nremote-cert-tls server\nconnect-retry 1 1\n"
    + "ca {folder}/ca.crt\ncert {folder}/site.crt\nkey {folder}/site.key\n"
)


class Vpn:
    """The tunnel between `noc` and `site`; `cut()` and `restore()` do what their names say."""

    def __init__(self, noc: Namespace, site: Namespace, folder: Path, *, server_options: str = "") -> None:
        """Prepare a VPN.

        Args:
            noc: where the server is to run.
            site: where the client is to run.
            folder: for certificates, configuration and logs.
            server_options: more lines for the server's configuration, e.g. `status` or `management`.
        """
        self.noc = noc
        self.site = site
        self._folder = folder
        self._server_options = server_options
        self._client: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Lay the cable, make the certificates, start both ends and wait for the first ping through the tunnel."""
        join(self.noc, "192.0.2.1/30", self.site, "192.0.2.2/30")
        for address in SITES:
            ip("-n", self.site.name, "addr", "add", f"{address}/32", "dev", "lo")
        _make_certificates(self._folder)
        (self._folder / "ccd").mkdir()
        (self._folder / "ccd" / "site").write_text(
            "ifconfig-push 10.20.0.2 255.255.255.0\niroute 10.20.1.0 255.255.255.0\n"
        )
        for name, text in (("server", _SERVER), ("site", _CLIENT)):
            options = self._server_options if name == "server" else ""
            (self._folder / f"{name}.conf").write_text(text.format(folder=self._folder) + options)
        self.noc.start("openvpn", "--config", f"{self._folder}/server.conf", log=self._folder / "server.log")
        self.restore()

    def cut(self) -> None:
        """Kill the client without a word: the server goes on sending into nothing, as when a site loses its line."""
        if self._client is None:
            raise RuntimeError("the tunnel is not open")
        self._client.kill()
        self._client.wait()
        self._client = None

    def restore(self) -> None:
        """Start the client and wait until the tunnel carries packets again."""
        self._client = self.site.start(
            "openvpn", "--config", f"{self._folder}/site.conf", log=self._folder / "site.log"
        )
        until(self.carries, "the tunnel carries packets", seconds=30)

    def carries(self) -> bool:
        """Tell whether a site answers through the tunnel (one TCP connection refused by the site itself)."""
        return self.noc.run("ping", "-c", "1", "-W", "1", SITES[0], check=False).code == 0


def _make_certificates(folder: Path) -> None:
    """Make a CA and one certificate per end with openssl (elliptic curves: made in milliseconds)."""
    extensions = folder / "extensions.cnf"
    extensions.write_text(
        "[server]\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n"
        "[site]\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n"
    )
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    ca = ("-x509", "-subj", "/CN=test CA", "-days", "2", "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.crt")
    _openssl("req", *key, *ca)
    for name in ("server", "site"):
        request = ("-subj", f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr")
        _openssl("req", *key, *request)
        signing = ("-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key", "-CAcreateserial", "-days", "2")
        files = ("-in", f"{folder}/{name}.csr", "-out", f"{folder}/{name}.crt")
        _openssl("x509", "-req", *signing, *files, "-extfile", str(extensions), "-extensions", name)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
