"""`make bench`: runs every measurement and writes bench/results.md. Needs root for a namespace of its own.

python -m bench [NAME ...]      only these: inventory, probing, judge, exposition, bridge; others keep their old text

Each is a process of its own with a time it may take. One that fails or takes longer is ended with all that it has
started, keeps its old text, and the others go on; the exit code then is 1.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from httpservice.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results.md")


@dataclass(frozen=True, slots=True)
class Part:
    """One measurement, the module of its name."""

    title: str
    limit_seconds: float  # several times what it takes on two quiet cores


PARTS = {
    "probing": Part("What a probe costs, beside others", 900),
    "judge": Part("What a step of the judge costs", 300),
    "exposition": Part("What /metrics costs", 300),
    "inventory": Part("What loading targets.yml costs", 120),
    "bridge": Part("The bridge: webhooks with commit, and a storm", 180),
}


def main() -> None:
    """Run the named parts, or all, and write the page."""
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"no measurement {unknown[0]}; there are {', '.join(PARTS)}")
    texts = _old_texts()
    failed = []
    for place, name in enumerate(names, 1):
        _say(f"== {place} of {len(names)}: {PARTS[name].title} (python -m bench.{name})")
        began = time.monotonic()
        output = measured(name, PARTS[name].limit_seconds)
        if output is None:
            failed.append(name)
            continue
        texts[name] = _section(name, output)
        RESULTS.write_text(_page(texts), encoding="utf-8")  # each at once: a later failure loses none
        _say(f"   {time.monotonic() - began:5.0f} s  done")
    _say(str(RESULTS.relative_to(ROOT)))
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}; their lines above say why")


def measured(name: str, limit_seconds: float) -> str | None:
    """Run one measurement and return what it printed; None when it failed or took too long, which is said."""
    command = [sys.executable, "-m", f"bench.{name}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            _say(f"bench.{name} has not ended within {limit_seconds:g} s; it is ended")
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it has started is in its session
    if process.returncode:
        _say(f"bench.{name} failed with {process.returncode}")
        return None
    return output


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _section(name: str, output: str) -> str:
    """Return one part of the page: when, on what, by which command, and what it printed."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    machine = f"{os.cpu_count()} cores, {_processor()}, Linux {platform.release()}, Python {platform.python_version()}"
    body = output.strip()
    if not body.startswith("|"):
        body = f"```\n{body}\n```"
    load = f"load {os.getloadavg()[1]:.1f}"  # of five minutes: what else ran here makes caches cold and answers late
    origin = f"`python -m bench.{name}`, version {VERSION}, {moment}; {machine}; {load}"
    head = f"<!-- {name} -->\n## {PARTS[name].title}\n{origin}"
    return f"{head}\n\n{body}\n"


def _page(texts: dict[str, str]) -> str:
    """Return the whole page."""
    head = "# What was measured\nWritten by `make bench`. Ratios within one run mean more than times across machines.\n"
    return "\n".join([head, *(texts[name] for name in PARTS if name in texts)])


def _old_texts() -> dict[str, str]:
    """Return the parts that the page has now."""
    if not RESULTS.exists():
        return {}
    pieces = re.split(r"(?m)^(?=<!-- \w+ -->$)", RESULTS.read_text(encoding="utf-8"))[1:]
    return {piece.split()[1]: piece.rstrip() + "\n" for piece in pieces}


def _processor() -> str:
    """Return the processor's name."""
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.machine()


if __name__ == "__main__":
    main()
