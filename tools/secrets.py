"""What `make secrets` does: writes the secrets of the compose stack that are missing, and overwrites none.

Modes: the folder is closed to other users (0700), the files in it are readable (0644). Compose mounts each file alone
into containers that run as users of their own, who must be able to read it; on the host the folder guards them. The
web-config holds hashes of passwords, so it is made from their files, and they are renewed together.

For the same reason what Compose mounts beside the secrets must be readable to all: a clone made under umask 077 is not,
and every container would fail at its start. That is said here, where it is looked at.
"""

from __future__ import annotations

import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import click
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parent.parent / "secrets"
WEB_CONFIG = "web-config.yml"
# A bcrypt cost of 10 takes some 60 ms; the daemons remember who has been verified.
_COST = 10
MOUNTED = ("*.yml", "Caddyfile", "prometheus", "grafana")  # beside secrets/; with all that is below
TELEGRAM_TOKEN = "telegram_token"  # noqa: S105 - a file's name
ADMIN_PASSWORD = "admin_password"  # noqa: S105 - a file's name
USERS = {  # of the status page, the JSON API and /metrics -> the file that holds the password
    "admin": ADMIN_PASSWORD,
    "bridge": "exporter_password",
    "prometheus": "prometheus_password",
}
_INSTRUCTIONS = """\
# The bot's token, alone on a line below; lines that begin with # are ignored. While there is none, messages are printed
# instead of sent. Ask @BotFather in Telegram: /newbot, then copy the token whole: digits, a colon, 35 characters.
# Afterwards: docker compose restart alertbridge
"""


class SecretsError(Exception):
    """What is there does not fit together; the text says what to remove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """One file below secrets/."""

    name: str
    what: str  # for whom; printed
    make: Callable[[], str]


def _password() -> str:
    """Return a password of 144 random bits that can be typed."""
    return secrets.token_urlsafe(18)


FILES = (
    SecretFile(
        name="grafana_admin_password", what="Grafana, user admin (read at its very first start)", make=_password
    ),
    SecretFile(name="grafana_secret_key", what="Grafana's own key", make=lambda: secrets.token_urlsafe(32)),
    SecretFile(name=ADMIN_PASSWORD, what="status page below /status/, user admin", make=_password),
    SecretFile(name="exporter_password", what="alertbridge at the exporter, user bridge", make=_password),
    SecretFile(name="prometheus_password", what="Prometheus at exporter and bridge, user prometheus", make=_password),
    SecretFile(name="webhook_token", what="Alertmanager at the bridge", make=lambda: secrets.token_urlsafe(32)),
    SecretFile(name=TELEGRAM_TOKEN, what="the bot's token", make=lambda: _INSTRUCTIONS),
)


def write_missing(folder: Path) -> dict[str, bool]:
    """Write what is missing below a folder.

    Returns:
        File names in order; True: just written, False: was there and is untouched. A person's password that was taken
        away from the folder is absent: what the web-config holds is only a hash.

    Raises:
        SecretsError: the web-config is there, but does not fit the passwords that the daemons use.
    """
    has_web_config = (folder / WEB_CONFIG).exists()
    if has_web_config:
        _check_web_config(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    written = {}
    for file in FILES:
        if file.name == ADMIN_PASSWORD and has_web_config and not (folder / file.name).exists():
            continue
        written[file.name] = _write(folder / file.name, file.make)
    written[WEB_CONFIG] = _write(folder / WEB_CONFIG, lambda: _web_config(folder))
    return written


def _write(path: Path, make: Callable[[], str]) -> bool:
    """Write a new file, whole or not at all; return False where there is one."""
    if path.exists():
        return False
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", encoding="utf-8") as file:
        file.write(f"{make().rstrip()}\n")
        file.flush()
        Path(file.name).chmod(0o644)  # see the module's docstring
        try:
            path.hardlink_to(file.name)
        except FileExistsError:  # another run was quicker
            return False
    return True


def _web_config(folder: Path) -> str:
    """Return the web-config with a hash for each user."""
    hashes = {}
    for user, name in USERS.items():
        password = (folder / name).read_text(encoding="utf-8").strip()
        hashes[user] = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()
    head = (
        "# Who may see the exporter's and the bridge's pages: Prometheus' web-config format. More users can be added.\n"
    )
    return head + yaml.safe_dump({"basic_auth_users": hashes}, sort_keys=False)


def _check_web_config(folder: Path) -> None:
    """Make sure that the web-config knows the passwords that the daemons will use.

    Raises:
        SecretsError: it does not.
    """
    document = yaml.safe_load((folder / WEB_CONFIG).read_text(encoding="utf-8"))
    hashes = document.get("basic_auth_users", {}) if isinstance(document, dict) else {}
    for user, name in USERS.items():
        path = folder / name
        if user == "admin":  # a person's: may be changed in the web-config alone
            continue
        if not path.exists():
            problem = f"{name} is missing, but {WEB_CONFIG} was made with it"
        elif user not in hashes:
            problem = f"{WEB_CONFIG} has no user {user}"
        elif not bcrypt.checkpw(path.read_text(encoding="utf-8").strip().encode(), hashes[user].encode()):
            problem = f"the password of {user} in {WEB_CONFIG} is not the one in {name}"
        else:
            continue
        raise SecretsError(f"{problem}. Remove {folder.name}/{WEB_CONFIG} and run make secrets again: it is made anew.")


def closed_to_others(project: Path) -> list[Path]:
    """Return what containers must read, but only its owner or group can; relative to the project, outermost only."""
    if not project.stat().st_mode & stat.S_IXOTH:
        return [Path()]
    closed: list[Path] = []
    for path in sorted(found for pattern in MOUNTED for found in project.glob(pattern)):
        for place in (path, *sorted(path.rglob("*"))):
            needed = stat.S_IROTH | stat.S_IXOTH if place.is_dir() else stat.S_IROTH
            relative = place.relative_to(project)
            if place.stat().st_mode & needed != needed and not set(closed) & set(relative.parents):
                closed.append(relative)
    return closed


def is_filled_in(path: Path) -> bool:
    """Tell whether a file holds more than comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return any(line.strip() and not line.startswith("#") for line in lines)


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER, help="For tests.")
def main(*, folder: Path) -> None:
    """Write what is missing under secrets/; print names, never contents."""
    try:
        written = write_missing(folder)
    except SecretsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(3) from error
    purposes = {file.name: file.what for file in FILES} | {WEB_CONFIG: "hashes of the passwords above"}
    has_token = is_filled_in(folder / TELEGRAM_TOKEN)
    if not has_token:
        purposes[TELEGRAM_TOKEN] += ": TO BE FILLED IN BY YOU; the file says how"
    for name, new in written.items():
        print(f"{'written' if new else 'kept   '}  {folder.name}/{name:<24} {purposes[name]}")
    closed = closed_to_others(folder.resolve().parent)
    if closed:
        names = ", ".join(str(path) for path in closed[:5]) + (" ..." if len(closed) > 5 else "")  # noqa: PLR2004 - a line
        click.echo(
            f"Containers run as users of their own, who cannot read: {names}. "
            f"Open it: chmod o+rX . && chmod -R o+rX {' '.join(MOUNTED)}",
            err=True,
        )
    token = "" if has_token else f"{TELEGRAM_TOKEN}, "
    print(f"Next: fill in {token}your targets and the bridge's file (docs/operations.md), then docker compose up -d")


if __name__ == "__main__":
    main()
