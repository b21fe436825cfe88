"""What `make run` and `make demo` call: checks ports, finds servers, runs the Procfile, says when it is ready.

The processes are honcho's to run and to stop; this file only prepares, watches and prints. Nothing is installed on the
system: Prometheus and Alertmanager come from PATH or from Debian's package files under .cache/ (tools/debian.py).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import click
import requests
from honcho.environ import parse_procfile
from honcho.manager import Manager

from grafana.serve import find_home
from tools.debian import INSTALLED, SID, DebianError, ensure
from tools.ports import listener_on, port_is_free

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process of the stack: where it answers and what a person opens."""

    name: str  # as in the Procfile
    port: int
    ready_path: str
    what: str


SERVICES = (
    Service(name="exporter", port=9921, ready_path="/-/ready", what="status page"),
    Service(name="alertbridge", port=9922, ready_path="/-/ready", what="Telegram bridge"),
    Service(name="prometheus", port=9090, ready_path="/-/ready", what="Prometheus"),
    Service(name="alertmanager", port=9093, ready_path="/-/ready", what="Alertmanager"),
)
GRAFANA = Service(name="grafana", port=3000, ready_path="/api/health", what="Grafana (user admin)")


def ports_in_use(services: tuple[Service, ...]) -> list[str]:
    """Return a sentence for each port that somebody else holds, with the process and the remedy."""
    sentences = []
    for service in services:
        if not port_is_free(service.port):
            holder = listener_on(service.port)
            remedy = f"stop it (kill {holder.pid})" if holder and holder.pid else "stop it"
            sentences.append(
                f"port {service.port} for {service.name} is in use by {holder or 'a process that cannot be seen'}; "
                f"{remedy}, then try again"
            )
    return sentences


def grafana_command() -> str | None:
    """Return the command that starts an installed Grafana with our files; None where there is none."""
    return f'exec "{sys.executable}" -m grafana.serve --data "$DATA/grafana"' if find_home() is not None else None


def announce_when_ready(services: tuple[Service, ...], stopping: threading.Event) -> None:
    """Wait until our own children answer, then print the URLs; say what is missing when that takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    waiting = list(services)
    while waiting and not stopping.wait(0.3):
        waiting = [service for service in waiting if not _ready(service)]
        if waiting and time.monotonic() > deadline:
            names = ", ".join(service.name for service in waiting)
            print(f"\nStill waiting for: {names}. Their lines above say why.\n", flush=True)
            deadline += READY_SECONDS
    if not stopping.is_set():
        print(_banner(services), flush=True)


def _ready(service: Service) -> bool:
    """Tell whether a service answers, and that it is a child of ours: an old process on the port is not readiness."""
    try:
        answer = requests.get(f"http://127.0.0.1:{service.port}{service.ready_path}", timeout=1)
    except requests.RequestException:
        return False
    holder = listener_on(service.port)
    return answer.ok and (holder is None or holder.pid is None or _is_descendant(holder.pid))


def _is_descendant(pid: int) -> bool:
    """Tell whether a process was started by this one, through any number of parents."""
    ours = os.getpid()
    while pid > 1 and pid != ours:
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        pid = int(status.rpartition(")")[2].split()[1])
    return pid == ours


def _banner(services: tuple[Service, ...]) -> str:
    """Return what a person needs to know once everything answers."""
    rows = [f"  {service.what:<22} http://127.0.0.1:{service.port}/" for service in services]
    lines = ["", "Everything is up:", *rows]
    if GRAFANA not in services:
        lines.append("  Grafana                not found on this machine (docker compose brings it)")
    return "\n".join([*lines, "Ctrl-C stops all of it.", ""])


def prepare_environment(*, targets: Path, bridge: Path, data: Path, suite: str = INSTALLED) -> dict[str, str]:
    """Return the environment of the Procfile's commands; fetches the servers where they are missing.

    Raises:
        DebianError: a server is neither installed nor to be had; the text says the remedy.
    """
    data.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    environment.update(
        TARGETS=str(targets),
        BRIDGE=str(bridge),
        DATA=str(data),
        PROMETHEUS=str(ensure("prometheus", suite=suite)["prometheus"]),
        ALERTMANAGER=str(ensure("alertmanager", suite=suite)["alertmanager"]),
        PYTHONUNBUFFERED="1",
    )
    return environment


@click.command()
@click.option("--targets", type=click.Path(path_type=Path), default=Path("targets.yml"), show_default=True)
@click.option("--bridge", type=click.Path(path_type=Path), default=Path("alertbridge.yml"), show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--demo", is_flag=True, help="Play the simulated country and watch it instead of --targets.")
@click.option(
    "--suite",
    type=click.Choice([INSTALLED, SID]),
    default=INSTALLED,
    show_default=True,
    help="Which Debian release Prometheus and Alertmanager come from where PATH has none; sid: the newest.",
)
def main(*, targets: Path, bridge: Path, data: Path, demo: bool, suite: str) -> None:
    """Run the whole stack in the foreground until Ctrl-C."""
    os.chdir(ROOT)
    if demo:
        data = data / "demo"
        data.mkdir(parents=True, exist_ok=True)
        targets = data / "targets.yml"
    for path in () if demo else (targets, bridge):
        if not path.exists():
            raise click.UsageError(f"{path} does not exist; name an existing file, e.g. make run TARGETS=targets.yml")
    grafana = grafana_command()
    services = (*SERVICES, GRAFANA) if grafana else SERVICES
    problems = ports_in_use(services)
    if problems:
        click.echo("\n".join(problems), err=True)
        raise SystemExit(3)
    try:
        environment = prepare_environment(targets=targets, bridge=bridge, data=data, suite=suite)
    except DebianError as error:
        click.echo(str(error), err=True)
        raise SystemExit(3) from error
    commands = dict(parse_procfile(Path("Procfile").read_text(encoding="utf-8")).processes)
    if demo:
        from demo.targets_file import write_targets  # noqa: PLC0415 - only the demo needs it

        write_targets(targets)
        commands["country"] = f'exec "{sys.executable}" -m demo'
    if grafana:
        commands["grafana"] = grafana
        environment["VPN_EXPORTER_GRAFANA_URL"] = f"http://127.0.0.1:{GRAFANA.port}/"
    raise SystemExit(_run(commands, services, environment))


def _run(commands: dict[str, str], services: tuple[Service, ...], environment: dict[str, str]) -> int:
    """Let honcho run the commands until a signal or the end of one of them; return the exit code."""
    manager = Manager()
    for name, command in commands.items():
        manager.add_process(name, command, env=environment)
    stopping = threading.Event()
    threading.Thread(target=announce_when_ready, args=(services, stopping), daemon=True, name="ready").start()
    # A closed terminal stops the stack as Ctrl-C does; honcho itself knows SIGINT and SIGTERM only.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    manager.loop()
    stopping.set()
    asked = {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if manager.returncode in asked else int(manager.returncode or 0)


if __name__ == "__main__":
    main()
