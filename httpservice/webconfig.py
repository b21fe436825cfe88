"""The Prometheus web-config file: TLS and basic-auth users, read again when it changes.

The format is the exporter-toolkit's (https://prometheus.io/docs/prometheus/latest/configuration/https/), of which the
server certificate, the least TLS version and the users are known here. Unknown keys are refused: a mistyped
`basic_auth_user` must not leave a page open.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from httpservice.errors import WebConfigError
from httpservice.logs import get_logger
from httpservice.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = get_logger(__name__)

_TLS_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
_KEYS: Final = ("tls_server_config", "basic_auth_users")
_TLS_KEYS: Final = ("cert_file", "key_file", "min_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """The server's certificate. Paths are absolute or relative to the working directory."""

    cert_file: Path
    key_file: Path
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """A whole, valid web-config file."""

    tls: TlsConfig | None = None  # None: plain HTTP
    users: Mapping[str, str] = field(default_factory=dict, repr=False)  # name -> bcrypt hash; empty: no login


def load_web_config(path: Path) -> WebConfig:
    """Read and check a web-config file.

    Raises:
        WebConfigError: it cannot be read or used; every mistake is named with its place and remedy.
    """
    try:
        raw = yaml.safe_load(read_regular(path).decode("utf-8"))
    except OSError as error:
        raise WebConfigError(
            (f"{path}: cannot be read: {error.strerror}; check the path and its permissions",)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # Only the place: the problem text of a scanner may quote the file, and the file holds hashes.
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise WebConfigError((f"{where}: is no valid YAML; check indentation and quotes there",)) from error
    mistakes: list[str] = []
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise WebConfigError((f"{path}: must be a mapping with the keys {' and '.join(_KEYS)}",))
    _refuse_unknown(raw, _KEYS, str(path), mistakes)
    tls = _tls(raw.get("tls_server_config"), path, mistakes)
    users = _users(raw.get("basic_auth_users"), path, mistakes)
    if mistakes:
        raise WebConfigError(tuple(mistakes))
    return WebConfig(tls=tls, users=users)


def _refuse_unknown(raw: dict[Any, Any], known: tuple[str, ...], where: str, mistakes: list[str]) -> None:
    """Note every key that is not known."""
    mistakes.extend(
        f'{where}: unknown key "{key}"; supported here: {", ".join(known)}' for key in raw if key not in known
    )


def _tls(raw: Any, path: Path, mistakes: list[str]) -> TlsConfig | None:
    """Return the TLS part; notes what is wrong with it."""
    if raw is None:
        return None
    where = f"{path}: tls_server_config"
    if not isinstance(raw, dict):
        mistakes.append(f"{where}: must be a mapping with cert_file and key_file")
        return None
    _refuse_unknown(raw, _TLS_KEYS, where, mistakes)
    files: dict[str, Path] = {}
    for key in ("cert_file", "key_file"):
        value = raw.get(key)
        if not isinstance(value, str) or not value:
            mistakes.append(f"{where}.{key}: is missing; name a PEM file (relative to {path.name})")
            continue
        files[key] = path.parent / value
        if not files[key].is_file():
            mistakes.append(f"{where}.{key}: there is no file {files[key]}; create it or correct the path")
    version = raw.get("min_version", "TLS12")
    if version not in _TLS_VERSIONS:
        mistakes.append(f'{where}.min_version: "{version}" is no TLS version; use {" or ".join(_TLS_VERSIONS)}')
        return None
    if len(files) != len(("cert_file", "key_file")):
        return None
    return TlsConfig(min_version=_TLS_VERSIONS[version], **files)


def _users(raw: Any, path: Path, mistakes: list[str]) -> dict[str, str]:
    """Return the users; notes what is wrong with them, without printing a hash or what may be a password."""
    if raw is None:
        return {}
    where = f"{path}: basic_auth_users"
    if not isinstance(raw, dict) or not raw:
        mistakes.append(f"{where}: must map at least one user name to a bcrypt hash; leave the key out for no login")
        return {}
    users: dict[str, str] = {}
    for key, value in raw.items():
        name = str(key)
        if not name or ":" in name:
            mistakes.append(f'{where}: the user name "{name}" is empty or has a colon, which basic auth cannot carry')
        elif not isinstance(value, str) or not _BCRYPT.fullmatch(value):
            mistakes.append(f"{where}.{name}: is no bcrypt hash; make one with: htpasswd -nBC 10 {name}")
        else:
            users[name] = value
    return users


class WebConfigFile:
    """The file behind `--web.config.file`, read again when it changes; a bad file leaves the last good one."""

    def __init__(self, path: Path) -> None:
        """Read the file for the first time.

        Raises:
            WebConfigError: it cannot be used.
        """
        self.path = path
        self._stamp = self._look()
        self._config = load_web_config(path)

    def current(self) -> WebConfig:
        """Return the present configuration: one `stat` (microseconds) unless the file changed."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._config = load_web_config(self.path)
            except WebConfigError as error:
                log.error(  # noqa: TRY400 - the file is wrong, not the code: no traceback
                    "web config refused, the last good one stays", mistakes="; ".join(error.mistakes)
                )
            else:
                log.info("web config loaded", users=len(self._config.users), tls=self._config.tls is not None)
        return self._config

    def _look(self) -> tuple[int, int, int]:
        """Return what changes when the file does."""
        try:
            status = self.path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_mtime_ns, status.st_size, status.st_ino)
