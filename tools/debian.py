"""Where others' programs come from: PATH, else Debian's package files under .cache/debian/; nothing is installed.

`apt-get download` and `dpkg-deb -x` need no root, run no maintainer script and start no service. The suite
"installed" is what this machine's own package sources carry; "sid" is Debian's unstable release, read with a source
list and a state folder of our own, from the Debian mirror that the machine is already set up with. Once unpacked, a
program is kept until `.cache/` is removed. Shared libraries are not fetched: the programs here need libc only. How a
program finds its data files outside of /usr is unpacked.py's part.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tools.unpacked import point_at_descriptor, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "debian"
INSTALLED = "installed"  # not a Debian name: whatever release this machine runs
SID = "sid"
SUITES = (INSTALLED, SID)
_PROGRAMS = "programs"  # the scripts that start the programs, in a package's folder
_COMPLETE = ".complete"  # marks a folder that is whole
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class DebianError(Exception):
    """A program is neither installed nor to be had; the text says what was tried and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package and the programs that we use from it."""

    package: str  # Debian's name
    programs: dict[str, str]  # our name -> path inside the package
    aliases: tuple[tuple[str, str], ...] = ()  # (our name, another name that it has on PATH)
    companions: tuple[str, ...] = ()  # packages unpacked with it; one that a suite lacks is left out
    flags: tuple[str, ...] = ()  # given to the first program; {folder} stands for where all is unpacked
    data: str = ""  # a folder compiled into the first program, without a flag for it


PACKAGES: dict[str, Package] = {
    "prometheus": Package(
        package="prometheus",
        programs={"prometheus": "usr/bin/prometheus", "promtool": "usr/bin/promtool"},
        # What its pages are made of; in newer releases promtool is a package of its own.
        companions=(
            *(f"libjs-{name}" for name in ("bootstrap4", "eonasdan-bootstrap-datetimepicker", "jquery")),
            *(f"libjs-{name}" for name in ("jquery-hotkeys", "moment", "moment-timezone", "mustache", "popper.js")),
            *("libjs-rickshaw", "libjs-d3", "fonts-glyphicons-halflings", "promtool"),
        ),
        flags=("--web.local-assets={folder}/usr/share/prometheus/web",),
    ),
    "alertmanager": Package(
        package="prometheus-alertmanager",
        programs={"alertmanager": "usr/bin/prometheus-alertmanager", "amtool": "usr/bin/amtool"},
        aliases=(("alertmanager", "prometheus-alertmanager"),),
        data="/usr/share/prometheus/alertmanager",
    ),
    "blackbox_exporter": Package(
        package="prometheus-blackbox-exporter",
        programs={"blackbox_exporter": "usr/bin/prometheus-blackbox-exporter"},
        aliases=(("blackbox_exporter", "prometheus-blackbox-exporter"),),
    ),
    "smokeping_prober": Package(
        package="prometheus-smokeping-prober",
        programs={"smokeping_prober": "usr/bin/prometheus-smokeping-prober"},
        aliases=(("smokeping_prober", "prometheus-smokeping-prober"),),
    ),
    "fping": Package(package="fping", programs={"fping": "usr/bin/fping"}),
    "caddy": Package(package="caddy", programs={"caddy": "usr/bin/caddy"}),
    "victoria-metrics": Package(package="victoria-metrics", programs={"victoria-metrics": "usr/bin/victoria-metrics"}),
    "docker-compose": Package(
        package="docker-compose",
        programs={"docker-compose": "usr/bin/docker-compose"},
    ),
}


def ensure(name: str, *, suite: str = INSTALLED, use_path: bool = True) -> dict[str, Path]:
    """Return where the programs of one package are, fetching and unpacking it where needed.

    Args:
        name: a key of PACKAGES.
        suite: "installed" or "sid".
        use_path: with "installed", take programs that are on PATH already.

    Returns:
        Absolute paths by our name of the program.

    Raises:
        DebianError: unknown name, no apt, no network, or a package without the program; with the remedy.
    """
    wanted = PACKAGES.get(name)
    if wanted is None:
        raise DebianError(f"{name}: not known here; known are {', '.join(PACKAGES)}")
    if suite not in SUITES:
        raise DebianError(f"{suite}: no suite; use {' or '.join(SUITES)}")
    if suite == INSTALLED and use_path:
        present = _on_path(wanted)
        if present is not None:
            return present
    folder = CACHE / suite / wanted.package
    with _locked(CACHE / suite / "lock", wanted.package):
        if not (folder / _COMPLETE).exists():
            _fetch(wanted, suite, folder)
    return {program: folder / _PROGRAMS / program for program in wanted.programs}


def _on_path(wanted: Package) -> dict[str, Path] | None:
    """Return all programs from PATH, or None where one that must be there is missing."""
    found: dict[str, Path] = {}
    for program in wanted.programs:
        names = [program, *(other for ours, other in wanted.aliases if ours == program)]
        place = next((path for path in map(shutil.which, names) if path), None)
        if place is None:
            return None
        found[program] = Path(place).resolve()
    return found


@contextmanager
def _locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file, so that of two runs one fetches and the other finds it done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{what}: another run is fetching, waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(wanted: Package, suite: str, folder: Path) -> None:
    """Download a package with its companions and unpack them to a folder, which is marked when it is whole."""
    for needed in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(needed) is None:
            raise DebianError(
                f"{wanted.package} is not on PATH, and this system ({platform.system()}) has no {needed} to fetch it; "
                f"install {wanted.package} by your system's own means, so that it is on PATH"
            )
    label = "Debian unstable" if suite == SID else "the package sources of this machine"
    _say(f"{wanted.package}: fetching it from {label} into .cache/ (nothing is installed) ...")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{wanted.package}-") as place:
        downloads = Path(place)
        _download(wanted, suite, downloads)
        shutil.rmtree(folder, ignore_errors=True)  # what an older version of this file left there
        for archive in sorted(downloads.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(folder)], cwd=downloads, what=f"unpacking {archive.name}")
            if archive.name.startswith(f"{wanted.package}_"):
                _say(f"{wanted.package}: {archive.stem} unpacked")
    _write_scripts(wanted, folder)
    (folder / _COMPLETE).touch()


def _write_scripts(wanted: Package, folder: Path) -> None:
    """Write a script for each program, which lets it find its data files."""
    for number, (name, path) in enumerate(wanted.programs.items()):
        program = folder / path
        if not program.exists():
            raise DebianError(
                f"Debian's package {wanted.package} has no /{path} any more; put {name} on PATH, or correct PACKAGES"
            )
        flags = tuple(flag.format(folder=folder) for flag in wanted.flags) if number == 0 else ()
        data = None
        if wanted.data and number == 0:
            data = folder / wanted.data.lstrip("/")
            point_at_descriptor(program, wanted.data)
        script(folder / _PROGRAMS / name, program=program, flags=flags, data=data)


def _download(wanted: Package, suite: str, downloads: Path) -> None:
    """Download the newest versions; package lists of our own are made where the machine's are missing or too old."""
    if suite == INSTALLED:
        try:
            _download_by(["-o", "APT::Sandbox::User=root"], wanted, downloads)
        except DebianError:
            _say(f"{wanted.package}: this machine's package lists do not lead to it; reading fresh ones ...")
        else:
            return
    options = ["-c", str(_own_apt(suite))]
    _run(["apt-get", *options, "--quiet", "update"], cwd=downloads, what="reading package lists")
    _download_by(options, wanted, downloads)


def _download_by(options: list[str], wanted: Package, downloads: Path) -> None:
    """Download a package and those of its companions that these options of apt lead to."""
    known = set(_run(["apt-cache", *options, "pkgnames"], cwd=downloads, what="reading package names").split())
    packages = [wanted.package, *(name for name in wanted.companions if name in known)]
    _run(["apt-get", *options, "--quiet", "download", *packages], cwd=downloads, what=f"fetching {wanted.package}")


def _own_apt(suite: str) -> Path:
    """Write an apt configuration whose lists and cache are ours, so that neither root nor the system's state is needed.

    Returns:
        The file for `apt-get -c`.
    """
    state = CACHE / suite / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    lines = [
        "#clear APT::Update::Post-Invoke;",  # hooks of the system would touch the system's state
        "#clear APT::Update::Post-Invoke-Success;",
        f'Dir::State::lists "{state}/lists";',
        f'Dir::Cache "{state}/cache";',
        'APT::Sandbox::User "root";',  # the download user may not write below a home folder
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
    ]
    if suite == SID:
        signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
        sources = state / "sources.list"
        sources.write_text(f"deb {signed}{_mirror()} sid main\n", encoding="utf-8")
        lines += [f'Dir::Etc::sourcelist "{sources}";', 'Dir::Etc::sourceparts "-";']
    configuration = state / "apt.conf"
    configuration.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return configuration


def _mirror() -> str:
    """Return the Debian mirror that this machine's own package sources name.

    Raises:
        DebianError: it is no Debian machine.
    """
    answer = _run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
        cwd=CACHE,
        what="reading apt's package sources",
    )
    for site in answer.splitlines():
        if site.rstrip("/").endswith("/debian"):
            return site
    raise DebianError(
        "no Debian mirror among this machine's package sources (Ubuntu, for one, carries no Debian unstable); "
        "put the newer programs on PATH and use the suite 'installed'"
    )


def _run(command: Sequence[str], *, cwd: Path, what: str) -> str:
    """Run a command and return what it prints.

    Raises:
        DebianError: it failed; the text carries its last lines.
    """
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join(f"  {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-4:])
        raise DebianError(
            f"{what} failed ({command[0]} exited {done.returncode}):\n{said}\n"
            f"Is there a network? `apt-get update` as root may help; or install the program, so that it is on PATH."
        )
    return done.stdout


def _say(text: str) -> None:
    """Print progress where it does not mix with what a caller reads."""
    print(text, file=sys.stderr, flush=True)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--suite", type=click.Choice(SUITES), default=INSTALLED, show_default=True)
@click.option("--no-path", is_flag=True, help="Fetch even what is on PATH.")
def main(*, names: tuple[str, ...], suite: str, no_path: bool) -> None:
    """Print where programs are, one `NAME PATH` a line, fetching what is missing.

    NAME is one of: prometheus, alertmanager, blackbox_exporter, smokeping_prober, fping, caddy, victoria-metrics,
    docker-compose.
    """
    try:
        for name in names:
            for program, path in ensure(name, suite=suite, use_path=not no_path).items():
                print(f"{program} {path}")
    except DebianError as error:
        click.echo(str(error), err=True)
        raise SystemExit(3) from error


if __name__ == "__main__":
    main()
