"""Sample answers of the bot in both languages: docs/telegram.md shows them, a test holds them to the code.

`python -m tests.alertbridge.samples_bot` writes them into the page.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alertbridge import render, wording
from alertbridge.alertmanager import Matcher, Silence
from alertbridge.bot import silencing
from alertbridge.bot.access import Asker
from alertbridge.bot.introducing import whoami_text
from alertbridge.bot.unfinished import late_answer, text_of
from alertbridge.markup import plain
from alertbridge.settings import JAKARTA, Language, Settings
from alertbridge.store.action_queries import Action
from alertbridge.texts import Texts, texts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "telegram.md"
BEGIN, END = "<!-- answers begin -->", "<!-- answers end -->"
NOW = datetime(2026, 11, 25, 7, 3, 24, tzinfo=UTC)
SITE = "Jawa Barat · GT Pasteur 1"
LISTED = Silence(
    id="9d3c0f6e-0000-4000-8000-000000000001",
    matchers=(Matcher(name="region", value="JBR"),),
    starts_at=NOW,
    ends_at=NOW + timedelta(hours=4),
    author="karma",
    comment="power work",
)


CUT = Action(
    at=NOW - timedelta(minutes=2),
    user_id=22,
    who="duty",
    chat_id=-1,
    what="/silence jbr-gt-pasteur-1 4h power work",
    result="",
    update_id=1,
)


def answers(words: Texts) -> dict[str, str]:
    """Return title -> text as HTML."""
    ended = {"what": SITE, "who": "duty"}
    soon = ended | {"seconds": "600", "when": "17:03 WIB"}
    group = Asker(user_id=11112222, chat_id=-1001234567890)
    return {
        "The bot is added to a group, and no chat is configured yet (or `/whoami@YourBot` there)": whoami_text(
            group, None, Settings(), words
        ),
        "`/ack`, or the button": words("act.taken", who="duty", what=SITE),
        "`/ack` of what somebody else has": words("act.taken_over", who="duty", before="Sari", what=SITE),
        "`/unack`, or the button": words("act.released", who="duty", what=SITE),
        "`/silence jbr-gt-pasteur-1 4h`, or the button": words(
            "act.silenced", what=SITE, when="18:03:24 WIB", duration=wording.duration(4 * 3600, words), who="duty"
        ),
        "The button “until it is back”": words("act.silenced_back", what=SITE, who="duty"),
        "`/silences`": "\n".join(
            [f"<b>{words('act.silences', count=1)}</b>", silencing.line(1, LISTED, None, words, zone=JAKARTA, now=NOW)]
        ),
        "Ten minutes before a longer silence ends, with the button “1 hour more” (sound: something is still wrong)": (
            render.notice(words, "lines", soon | {"keys": "silence_ending,silence_ending_still", "names": SITE})
        ),
        "The same, with nothing wrong behind it (silent)": render.notice(
            words, "lines", soon | {"keys": "silence_ending,silence_ending_clear"}
        ),
        "The button “1 hour more”": words("act.prolonged", what=SITE, when="18:03:24 WIB", who="budi"),
        "The same, in the other chats that were told of the end (silent)": render.notice(
            words, "silence_prolonged", {"what": SITE, "by": "budi", "when": "18:03:24 WIB", "silent": "yes"}
        ),
        "A silence has ended, and something it hid is still wrong (sound)": render.notice(
            words, "lines", ended | {"keys": "silence_over,silence_still", "names": SITE}
        ),
        "A silence has ended, and another one still hides what is wrong (silent)": render.notice(
            words, "lines", ended | {"keys": "silence_over,silence_other", "names": SITE}
        ),
        "A silence has ended (silent)": render.notice(words, "lines", ended | {"keys": "silence_over,silence_clear"}),
        "“Until it is back” has ended (silent)": render.notice(words, "silence_back", ended),
        "`/restart`, confirmed": words("act.restarted", duration=wording.duration(2, words), who="boss"),
        "The bridge was stopped in the middle of a silence": text_of(CUT, words, zone=JAKARTA, now=NOW),
        "The bridge was stopped before it could take an incident": text_of(
            replace(CUT, what="/ack all"), words, zone=JAKARTA, now=NOW
        ),
        "The bridge was stopped after it had done something, and before it answered": late_answer(
            CUT,
            words(
                "act.silenced", what=SITE, when="18:01:24 WIB", duration=wording.duration(4 * 3600, words), who="duty"
            ),
            words,
            zone=JAKARTA,
            now=NOW,
        ),
        "A command that waited through an outage": words("act.stale"),
    }


def section() -> str:
    """Return the part of the page between its marks."""
    found = [answers(texts(language)) for language in (Language.ID, Language.EN)]
    lines = [BEGIN]
    for title in found[0]:
        lines += ["", f"**{title}**"]
        for language in found:
            lines += ["", "```text", plain(language[title]), "```"]
    return "\n".join([*lines, "", END])


def main() -> None:
    """Write the samples into the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    PAGE.write_text(head + section() + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
