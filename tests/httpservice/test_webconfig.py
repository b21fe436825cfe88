"""The web-config file: what is accepted, what is refused and with which words, and reloading."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import pytest

from httpservice.errors import WebConfigError
from httpservice.webconfig import WebConfigFile, load_web_config

if TYPE_CHECKING:
    from pathlib import Path

HASH = "$2b$04$wruvmQ1W4rHbxpHVWW7n4uWDw80I3vDBQkTWLEXN2XSVBEgmfXqie"


def _write(folder: Path, text: str) -> Path:
    path = folder / "web.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_users_and_certificate_are_read(tmp_path: Path) -> None:
    """The file of every Prometheus exporter works here; paths are relative to it."""
    (tmp_path / "c.pem").touch()
    (tmp_path / "k.pem").touch()
    text = (
        f"tls_server_config: {{cert_file: c.pem, key_file: k.pem, min_version: TLS13}}\nbasic_auth_users: {{a: {HASH}}}"
    )
    config = load_web_config(_write(tmp_path, text))
    assert config.users == {"a": HASH}
    assert config.tls is not None
    assert config.tls.cert_file == tmp_path / "c.pem"
    assert config.tls.min_version is ssl.TLSVersion.TLSv1_3


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    """As in Prometheus: no TLS, no login."""
    config = load_web_config(_write(tmp_path, ""))
    assert config.tls is None
    assert config.users == {}


MISTAKES = [
    ("basic_auth_user: {a: b}", ['unknown key "basic_auth_user"; supported here: tls_server_config, basic_auth_users']),
    ("basic_auth_users: {a: hunter2}", ["basic_auth_users.a: is no bcrypt hash; make one with: htpasswd -nBC 10 a"]),
    ("basic_auth_users: {}", ["must map at least one user name to a bcrypt hash"]),
    (f"basic_auth_users: {{'a:b': {HASH}}}", ["has a colon, which basic auth cannot carry"]),
    ("tls_server_config: {cert_file: no.pem}", ["cert_file: there is no file", "key_file: is missing"]),
    ("tls_server_config: yes", ["must be a mapping with cert_file and key_file"]),
    (
        "tls_server_config: {cert_file: web.yml, key_file: web.yml, min_version: TLS10, client_ca_file: x}",
        ['min_version: "TLS10" is no TLS version', 'unknown key "client_ca_file"'],
    ),
    ("- a", ["must be a mapping with the keys tls_server_config and basic_auth_users"]),
    ("a: [", ["is no valid YAML"]),
]


@pytest.mark.parametrize(("text", "wanted"), MISTAKES, ids=[text[:30] for text, _ in MISTAKES])
def test_each_mistake_is_told_with_its_remedy(tmp_path: Path, text: str, wanted: list[str]) -> None:
    """All mistakes at once, none of them printing a password or hash."""
    with pytest.raises(WebConfigError) as caught:
        load_web_config(_write(tmp_path, text))
    said = str(caught.value)
    assert [one for one in wanted if one not in said] == []
    assert "hunter2" not in said
    assert HASH not in said


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(WebConfigError, match=r"none\.yml: cannot be read"):
        load_web_config(tmp_path / "none.yml")


def _later(path: Path, text: str) -> None:
    """Write the file so that its time stamp changes on any file system."""
    path.write_text(text, encoding="utf-8")
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def test_a_change_is_picked_up_and_a_bad_one_is_not(tmp_path: Path) -> None:
    """A user can be added while running; a broken or vanished file leaves the last good one in force."""
    path = _write(tmp_path, f"basic_auth_users: {{a: {HASH}}}")
    file = WebConfigFile(path)
    _later(path, f"basic_auth_users: {{a: {HASH}, b: {HASH}}}")
    assert set(file.current().users) == {"a", "b"}
    _later(path, "basic_auth_users: {a: plain}")
    assert set(file.current().users) == {"a", "b"}
    path.unlink()
    assert set(file.current().users) == {"a", "b"}
    _later(path, f"basic_auth_users: {{c: {HASH}}}")
    assert set(file.current().users) == {"c"}


def test_hashes_are_not_printed(tmp_path: Path) -> None:
    """A config in a log line shows no hash."""
    assert HASH not in repr(load_web_config(_write(tmp_path, f"basic_auth_users: {{a: {HASH}}}")))
