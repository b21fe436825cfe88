"""Plain questions in a private chat -> the command they mean (pure): a small grammar, documented in docs/telegram.md.

No model, no guessing: known words decide, filler words are passed over, what is left is a name. Unknown text gets the
help.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\s?!.,;:]+(?:[.:][^\s?!.,;:]+)*")  # `10.1.2.3` stays one word
_FILLERS = frozenset(
    """
    a about ada adakah any anything apa apakah are at bagaimana beri berapa bisa buat can cek check coba could
    current currently daftar di do dong everything for gimana give halo hello hi how i in ini is it itu kabar
    kabarnya kah kak ke kita lihat list malam mana masih me minta mohon my ngga now of on our pagi please saat saja
    sedang sekarang semua show siang sore still tampilkan tell that the there these thing things tolong untuk us
    right what what's whats where which who with ya yang you your
    last lalu past terakhir this
    """.split()  # noqa: SIM905 - sixty words in quotes would be read by nobody
)
# The first group with a word in the question decides. Words that ask without naming a state come last.
_COMMANDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("help", frozenset({"help", "bantuan", "bantu", "menu", "perintah", "commands", "start"})),
    ("whoami", frozenset({"whoami", "siapa", "id"})),
    ("silences", frozenset({"silences", "silenced", "silence", "dibungkam", "bungkam", "senyap", "disenyapkan"})),
    ("map", frozenset({"map", "peta"})),
    ("graph", frozenset({"graph", "chart", "grafik"})),
    ("report", frozenset({"report", "laporan", "rekap"})),
    ("log", frozenset({"log", "logs", "ping", "pings", "catatan"})),
    ("down", frozenset({"down", "mati", "putus", "terputus", "offline", "gangguan", "broken", "dead", "tumbang"})),
    ("low", frozenset({"low", "lemah", "lambat", "lemot", "slow", "weak", "pelan"})),
    ("regions", frozenset({"regions", "wilayah", "region", "provinsi", "daerah", "provinces", "province"})),
    ("status", frozenset({"status", "kondisi", "keadaan", "state", "condition", "summary", "ringkasan", "situasi"})),
)
_NAMED = {"status": "find", "regions": "find", "down": "find", "low": "find"}  # with a name behind: look for it


def understand(text: str) -> tuple[str, str] | None:
    """Return command and argument of a plain question; None: not understood.

    `find` stands for a region or a target by name, whichever there is.
    """
    words = _WORD.findall(text.casefold())
    commands = [name for name, keys in _COMMANDS if any(word in keys for word in words)]
    if not commands:
        return None
    used = frozenset().union(*(keys for _, keys in _COMMANDS))
    left = " ".join(word for word in words if word not in used and word not in _FILLERS)
    # `status regions`: the one that names a thing wins over the one that only asks.
    name = commands[0]
    return (_NAMED.get(name, name), left) if left else (name, "")
