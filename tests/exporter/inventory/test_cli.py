"""`vpn-exporter check` and `vpn-exporter targets ...` as people and scripts call them."""

from __future__ import annotations

import errno
import json
import os
import pty
import select
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from exporter.cli_check import check
from exporter.cli_targets import targets
from exporter.inventory.load import load_inventory
from exporter.inventory.write import only_run

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
version: 1
regions:
  - {id: JBR, name: Jawa Barat}
targets:   # by hand
  - {id: hub, name: Hub, region: JBR, address: 10.0.0.1}
"""
SITES = "Wilayah;Nama;IP;Gateway\nJawa Barat;GT Pasteur;10.0.1.1;Hub\n;Parkir Dago;10.0.1.2;Hub\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "targets.yml").write_text(FILE, encoding="utf-8")
    (tmp_path / "sites.csv").write_text(SITES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(targets, arguments)


def as_json(result: Result) -> Any:
    return json.loads(result.stdout)


# check


@pytest.mark.usefixtures("folder")
def test_check_says_that_a_file_is_fine() -> None:
    result = CliRunner().invoke(check, ["targets.yml"])
    assert (result.exit_code, result.stdout) == (0, "targets.yml is fine: 1 target in 1 region.\n")


def test_check_prints_every_mistake_and_exits_1(folder: Path) -> None:
    (folder / "targets.yml").write_text(FILE.replace("10.0.0.1", "10.0.0.256, probe: udp"), encoding="utf-8")
    result = CliRunner().invoke(check)
    assert result.exit_code == 1
    assert [line.partition('"')[0] for line in result.stdout.splitlines()] == [
        "targets.yml:5: targets[0].address: ",
        "targets.yml:5: targets[0].probe: ",
    ]
    assert result.stderr == "targets.yml cannot be used: 2 mistakes.\n"


def test_check_tells_warnings_and_exits_0(folder: Path) -> None:
    (folder / "targets.yml").write_text(f"uplinks: [127.0.0.1]\n{FILE}", encoding="utf-8")
    result = CliRunner().invoke(check)
    assert result.exit_code == 0
    assert result.stdout.startswith('targets.yml:1: warning: uplinks: "127.0.0.1" is this machine itself')
    assert result.stdout.endswith("targets.yml is fine: 1 target in 1 region, 1 warning.\n")


def test_check_writes_json(folder: Path) -> None:
    (folder / "targets.yml").write_text(FILE.replace("10.0.0.1", "10.0"), encoding="utf-8")
    result = CliRunner().invoke(check, ["--json"])
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["usable"], answer["targets"]) == (False, None)
    assert answer["mistakes"][0] == {
        "line": 5,
        "path": "targets[0].address",
        "value": "10.0",
        "problem": "is no IP address",
        "remedy": "write four numbers from 0 to 255 with dots between, without leading zeros",
        "warning": False,
        "text": 'targets.yml:5: targets[0].address: "10.0" is no IP address; '
        "write four numbers from 0 to 255 with dots between, without leading zeros",
    }


def test_check_of_a_file_that_is_not_there_cannot_run(folder: Path) -> None:
    result = CliRunner().invoke(check, [str(folder / "absent.yml")])
    assert result.exit_code == 3
    assert "there is no such file" in result.stdout


@pytest.mark.parametrize(("text", "code"), [(FILE, 0), ("version: 2\n", 1)], ids=["fine", "mistakes"])
def test_check_reads_a_pipe_to_its_end(text: str, code: int) -> None:
    """`render | vpn-exporter check /dev/stdin`, as in a commit hook."""
    command = [sys.executable, "-m", "exporter", "check", "/dev/stdin"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code


def test_a_file_that_may_not_be_read_cannot_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it has mistakes would be a guess; root may read all, so the refusal is played."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("exporter.inventory.textfile.read_regular", refuse)
    result = CliRunner().invoke(check, [str(folder / "targets.yml")])
    assert (result.exit_code, "cannot be read (Permission denied)" in result.stdout) == (3, True)
    monkeypatch.setattr("exporter.cli_targets.read_regular", refuse)
    assert [run(command).exit_code for command in ("list", "diff", "regenerate")] == [3, 3, 3]


def test_what_the_system_says_is_not_readable_is_no_wrong_usage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Click would end with 2 before we look; scripts take 3 for "cannot run"."""
    monkeypatch.setattr("os.access", lambda *_: False)
    codes = CliRunner().invoke(check, [str(folder / "targets.yml")]).exit_code, run("list").exit_code
    assert codes == (0, 0)  # it can be read: only access() says otherwise


# regenerate


def test_regenerate_without_a_terminal_needs_yes(folder: Path) -> None:
    result = run("regenerate", "--source", "csv:sites.csv")
    assert result.exit_code == 2
    assert "+ jbr-gt-pasteur  GT Pasteur  JBR  10.0.1.1" in result.stdout
    assert result.stderr == "nothing is written: no terminal to ask on; give --yes to write\n"
    assert (folder / "targets.yml").read_text(encoding="utf-8") == FILE


def test_regenerate_writes_and_then_has_nothing_to_do(folder: Path) -> None:
    assert run("regenerate", "--source", "csv:sites.csv", "--check").exit_code == 1
    assert run("regenerate", "--source", "csv:sites.csv", "--yes").exit_code == 0
    assert (folder / "targets.yml").read_text(encoding="utf-8") == FILE + (
        "  - {id: jbr-gt-pasteur, name: GT Pasteur, region: JBR, address: 10.0.1.1, gateway: hub, "
        'source: "csv:sites#jawa-barat-gt-pasteur"}\n'
        "  - {id: jbr-parkir-dago, name: Parkir Dago, region: JBR, address: 10.0.1.2, gateway: hub, "
        'source: "csv:sites#jawa-barat-parkir-dago"}\n'
    )
    again = run("regenerate", "--source", "csv:sites.csv", "--check")
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "targets.yml is up to date.")


def test_sources_in_the_file_are_read_relative_to_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cron job starts anywhere."""
    path = folder / "targets.yml"
    path.write_text(FILE + "sources:\n  - {kind: csv, place: sites.csv, name: alat}\n", encoding="utf-8")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run("regenerate", "--targets.file", str(path), "--yes").exit_code == 0
    assert [target.source for target in load_inventory(path).targets[1:]] == [
        "csv:alat#jawa-barat-gt-pasteur",
        "csv:alat#jawa-barat-parkir-dago",
    ]


def test_a_file_that_is_not_there_is_made(folder: Path) -> None:
    (folder / "sites.csv").write_text("Wilayah;Nama;IP\nBali;Hub;10.0.0.1\n", encoding="utf-8")
    result = run("regenerate", "--targets.file", "new.yml", "--source", "csv:sites.csv", "--yes")
    assert result.exit_code == 0
    assert [target.id for target in load_inventory(folder / "new.yml").targets] == ["ba-hub"]


def test_damage_stops_and_skip_damaged_goes_on(folder: Path) -> None:
    (folder / "sites.csv").write_text(SITES + ";Rusak;10.2;\n", encoding="utf-8")
    stopped = run("regenerate", "--source", "csv:sites.csv", "--yes")
    assert stopped.exit_code == 1
    assert 'sites.csv row 4: "10.2" is a number' in stopped.stdout
    assert (folder / "targets.yml").read_text(encoding="utf-8") == FILE
    assert run("regenerate", "--source", "csv:sites.csv", "--yes", "--skip-damaged").exit_code == 0
    assert len(load_inventory(folder / "targets.yml").targets) == 3


@pytest.mark.usefixtures("folder")
def test_json_says_all_of_the_plan() -> None:
    result = run("regenerate", "--source", "csv:sites.csv", "--check", "--json")
    answer = as_json(result)
    assert result.exit_code == 1
    assert answer["stale"] is True
    assert [entry["id"] for entry in answer["added"]] == ["jbr-gt-pasteur", "jbr-parkir-dago"]
    assert answer["problems"] == answer["changed"] == answer["missing"] == answer["removed"] == []


def test_region_serves_rows_that_name_none(folder: Path) -> None:
    (folder / "sites.csv").write_text("Nama;IP\nX;10.0.1.1\n", encoding="utf-8")
    assert run("regenerate", "--source", "csv:sites.csv", "--yes").exit_code == 1
    assert run("regenerate", "--source", "csv:sites.csv", "--yes", "--region", "JBR").exit_code == 0
    unknown = run("regenerate", "--source", "csv:sites.csv", "--region", "XX")
    assert (unknown.exit_code, unknown.stderr) == (2, "XX is no region of targets.yml; it has JBR\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "no source to read; give --source csv:FILE or write `sources: [csv:FILE]` into the file"),
        (
            ("--source", "sites.csv"),
            2,
            '"sites.csv" is no source; write KIND:PLACE, e.g. csv:sites.csv (kinds: csv)',
        ),
        (
            ("--source", "csv:absent.csv"),
            3,
            "absent.csv cannot be read (No such file or directory); check the path and who may read it",
        ),
        (
            ("--source", "csv:sites.csv", "--source", "csv:./sites.csv"),
            2,
            'two sources are named "sites"; give one of them a name: in the file\'s sources:',
        ),
        (
            ("--targets.file", "no.yml"),
            2,
            "there is no no.yml; name it with --targets.file, or give a --source to make it from",
        ),
    ],
    ids=["no source", "no kind", "no file", "same name", "nothing at all"],
)
def test_wrong_usage_is_told_with_the_remedy(folder: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run("regenerate", *arguments)
    assert (result.exit_code, result.stderr) == (code, f"{message}\n")
    assert (folder / "targets.yml").read_text(encoding="utf-8") == FILE


def test_a_broken_file_is_not_touched(folder: Path) -> None:
    (folder / "targets.yml").write_text(FILE + "x", encoding="utf-8")
    result = run("regenerate", "--source", "csv:sites.csv", "--yes")
    assert result.exit_code == 1
    assert "targets.yml cannot be used; correct it first." in result.stderr
    assert (folder / "targets.yml").read_text(encoding="utf-8") == FILE + "x"


def test_a_second_run_is_refused(folder: Path) -> None:
    with only_run(folder / "targets.yml"):
        result = run("regenerate", "--source", "csv:sites.csv", "--yes")
    assert result.exit_code == 3
    assert "another run is editing targets.yml; wait until it has ended" in result.stderr


@pytest.mark.parametrize(("answer", "written", "code"), [("y", True, 0), ("n", False, 1)])
def test_on_a_terminal_it_asks(folder: Path, answer: str, written: bool, code: int) -> None:
    """A real one: a pseudo-terminal, where colours are shown too."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from exporter.cli_targets import targets; targets()"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}
    process = subprocess.Popen(
        [*command, "regenerate", "--source", "csv:sites.csv"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment,
    )
    os.close(theirs)
    seen = ""
    while "[y/N]" not in seen:
        assert select.select([ours], [], [], 20)[0], seen
        seen += os.read(ours, 4096).decode()
    os.write(ours, f"{answer}\n".encode())
    assert process.wait(20) == code
    os.close(ours)
    assert "\x1b[32m  + jbr-gt-pasteur" in seen
    assert "Reading sites.csv ..." in seen
    assert (len(load_inventory(folder / "targets.yml").targets) == 3) is written


# diff and list


def test_diff_shows_the_lines_and_exits_1(folder: Path) -> None:
    result = run("diff", "--source", "csv:sites.csv")
    assert result.exit_code == 1
    assert "+  - {id: jbr-gt-pasteur, name: GT Pasteur, region: JBR, address: 10.0.1.1" in result.stdout
    assert (folder / "targets.yml").read_text(encoding="utf-8") == FILE


@pytest.mark.usefixtures("folder")
def test_diff_of_an_up_to_date_file_exits_0() -> None:
    assert run("regenerate", "--source", "csv:sites.csv", "--yes").exit_code == 0
    result = run("diff", "--source", "csv:sites.csv")
    assert (result.exit_code, "@@" in result.stdout) == (0, False)


@pytest.mark.usefixtures("folder")
def test_list_prints_a_table_without_colours_in_a_pipe() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert result.stdout == (
        "ID   NAME  REGION  ADDRESS   PROBE  KIND  PROFILE  GATEWAY  SOURCE\n"
        "hub  Hub   JBR     10.0.0.1  icmp         fiber\n"
    )


@pytest.mark.usefixtures("folder")
def test_list_of_one_region_as_json() -> None:
    assert as_json(run("list", "--json", "--region", "JBR"))["items"][0]["gateway"] is None
    result = run("list", "--region", "XX")
    assert (result.exit_code, result.stderr) == (2, "XX is no region of targets.yml; it has JBR\n")


def test_list_of_a_file_that_is_not_there_cannot_run(folder: Path) -> None:
    assert run("list", "--targets.file", str(folder / "absent.yml")).exit_code == 3
