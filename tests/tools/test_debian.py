"""Where others' programs come from, and what is said when they cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import debian
from tools.unpacked import point_at_descriptor, script


def test_a_program_on_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine has is used; under Debian's own name of the program too."""
    for name in ("prometheus-alertmanager", "amtool"):
        script(tmp_path / name, program=Path("/bin/true"))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = debian.ensure("alertmanager")
    assert found == {"alertmanager": tmp_path / "prometheus-alertmanager", "amtool": tmp_path / "amtool"}


def test_half_a_package_on_path_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus without its promtool is fetched whole, so that both are of one release."""
    script(tmp_path / "prometheus", program=Path("/bin/true"))
    real = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{real}")
    found = debian.ensure("prometheus")
    assert tmp_path not in [path.parent for path in found.values()]


def test_without_apt_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that is no Debian hears what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian, "CACHE", tmp_path)
    with pytest.raises(debian.DebianError, match=r"prometheus is not on PATH.*no apt-get.*by your system's own means"):
        debian.ensure("prometheus")


def test_a_failing_download_says_what_apt_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network: apt's own words and what to try, and nothing half-made that a later run would trust."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("apt-get", "apt-cache", "dpkg-deb"):
        (tools / name).write_text("#!/bin/sh\necho 'E: Unable to fetch it' >&2\nexit 100\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/bin")
    monkeypatch.setattr(debian, "CACHE", tmp_path / "cache")
    with pytest.raises(debian.DebianError, match=r"(?s)E: Unable to fetch it.*Is there a network\?"):
        debian.ensure("caddy", use_path=False)
    assert not (tmp_path / "cache" / "installed" / "caddy").exists()


@pytest.mark.parametrize(("name", "suite"), [("nosuch", "installed"), ("prometheus", "buster")])
def test_unknown_names_are_refused(name: str, suite: str) -> None:
    """With those that are known."""
    with pytest.raises(debian.DebianError, match=r"known are|use installed or sid"):
        debian.ensure(name, suite=suite)


@pytest.mark.parametrize("suite", debian.SUITES)
@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_the_fetched_programs_run(name: str, suite: str) -> None:
    """Of both releases, and a second call costs nothing but a look."""
    for program, path in debian.ensure(name, suite=suite, use_path=False).items():
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        assert done.returncode == 0
        assert program in done.stdout + done.stderr


def test_two_runs_fetch_once(tmp_path: Path) -> None:
    """The second waits for the first and finds the work done; each prints the paths."""
    code = (
        "import sys; from pathlib import Path; from tools import debian; debian.CACHE = Path(sys.argv[1]); "
        "print(debian.ensure('fping', use_path=False)['fping'])"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], cwd=debian.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    results = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], results
    assert {out.decode().strip() for out, _ in results} == {
        str(tmp_path / "installed" / "fping" / "programs" / "fping")
    }
    assert sum(b"unpacked" in err for _, err in results) == 1


def test_a_compiled_in_folder_becomes_an_open_descriptor(tmp_path: Path) -> None:
    """The program reads our folder where it was built to read another, with its own arguments untouched."""
    data = tmp_path / "it's data"
    data.mkdir()
    (data / "file").write_text("ours", encoding="utf-8")
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\ncat "/usr/share/some/folder/file"; echo " $*"\n', encoding="utf-8")
    program.chmod(0o755)
    point_at_descriptor(program, "/usr/share/some/folder")
    script(tmp_path / "run", program=program, flags=("--first",), data=data)
    done = subprocess.run([tmp_path / "run", "a b"], capture_output=True, text=True, check=True)
    assert done.stdout == "ours --first a b\n"


def test_a_program_that_reads_elsewhere_is_refused(tmp_path: Path) -> None:
    """A newer build that has moved its folder is noticed when it is unpacked, not when it runs."""
    program = tmp_path / "program"
    program.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="does not read /usr/share/some/folder"):
        point_at_descriptor(program, "/usr/share/some/folder")
