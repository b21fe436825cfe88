"""`make bench`: runs every measurement and writes bench/results.md. Needs root for a namespace of its own.

python -m bench [NAME ...]      only these: inventory, probing, judge, exposition, bridge; others keep their old text
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from httpservice.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results.md")
PARTS = {
    "probing": "What a probe costs, beside others",
    "judge": "What a step of the judge costs",
    "exposition": "What /metrics costs",
    "inventory": "What loading targets.yml costs",
    "bridge": "The bridge: webhooks with commit, and a storm",
}


def main() -> None:
    """Run the named parts, or all, and write the page."""
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"no measurement {unknown[0]}; there are {', '.join(PARTS)}")
    texts = _old_texts()
    for name in names:
        print(f"== {PARTS[name]} (python -m bench.{name}) ...", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", f"bench.{name}"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench.{name} failed with {done.returncode}; its lines above say why")
        texts[name] = _section(name, done.stdout)
        RESULTS.write_text(_page(texts), encoding="utf-8")  # each at once: a later failure loses none
    print(RESULTS.relative_to(ROOT), file=sys.stderr)


def _section(name: str, output: str) -> str:
    """Return one part of the page: when, on what, by which command, and what it printed."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    machine = f"{os.cpu_count()} cores, {_processor()}, Linux {platform.release()}, Python {platform.python_version()}"
    body = output.strip()
    if not body.startswith("|"):
        body = f"```\n{body}\n```"
    head = f"<!-- {name} -->\n## {PARTS[name]}\n`python -m bench.{name}`, version {VERSION}, {moment}; {machine}"
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
