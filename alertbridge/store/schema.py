"""The tables and their migrations. Moments are UTC seconds since the epoch (float): every database sorts them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject", sa.String, nullable=False, index=True),
    sa.Column("phase", sa.String, nullable=False, index=True),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("opened_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
    sa.Column("closed_at", sa.Double, index=True),
    sa.Column("told_at", sa.Double),
    sa.Column("reopenings", sa.Integer, nullable=False, default=0),
    sa.Column("acknowledged_by", sa.String, nullable=False, default=""),
    sa.Column("acknowledged_at", sa.Double),  # or released_at: when it last changed hands
    sa.Column("taken_from", sa.String, nullable=False, default="", server_default=""),
    sa.Column("released_by", sa.String, nullable=False, default="", server_default=""),
    sa.Column("facts", sa.JSON, nullable=False),
)

# The newest episode of each alert. Ended ones stay a while without an incident, to know late duplicates by.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("fingerprint", sa.String, primary_key=True),
    sa.Column("incident_id", sa.Integer, index=True),
    sa.Column("starts_at", sa.Double, nullable=False),
    sa.Column("ends_at", sa.Double, index=True),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("suppressed", sa.String, nullable=False, default=""),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("annotations", sa.JSON, nullable=False),
)

# What a chat shows. `chat` is the configuration's name, `chat_id` where the message really is.
messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("chat", sa.String, nullable=False, index=True),
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String, nullable=False),  # incident or digest
    sa.Column("sent_at", sa.Double, nullable=False),
    sa.Column("edited_at", sa.Double, nullable=False),
    sa.Column("quiet", sa.Boolean, nullable=False, default=False),  # a digest of the quiet hours
    sa.Column("ended_at", sa.Double),  # of a digest: when "all is over" was told
)

shown = sa.Table(
    "shown",
    metadata,
    sa.Column("message_id", sa.Integer, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("incident_id", sa.Integer, primary_key=True, index=True),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("chat", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),  # incidents.Tell, or notice
    sa.Column("incident_id", sa.Integer, index=True),  # None: a notice
    sa.Column("message", sa.Integer),  # which message it is about; None: the chat's newest that shows the incident
    sa.Column("notice", sa.String, nullable=False, default=""),  # key of its text
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),  # pending, sending, sent, dead
    sa.Column("held", sa.Boolean, nullable=False, default=False),  # it waited for the end of quiet hours
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("not_before", sa.Double, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("failure", sa.String, nullable=False, default=""),
    sa.Column("detail", sa.String, nullable=False, default=""),
    sa.Column("settled_at", sa.Double),
)

# Groups that became supergroups: old id -> new id, for ever (the file may still name the old one).
moved_chats = sa.Table(
    "moved_chats",
    metadata,
    sa.Column("old_id", sa.BigInteger, primary_key=True),
    sa.Column("new_id", sa.BigInteger, nullable=False),
    sa.Column("moved_at", sa.Double, nullable=False),
)

# What people did from a chat: who, where, when, what, with which result.
actions = sa.Table(
    "actions",
    metadata,
    sa.Column("update_id", sa.BigInteger, primary_key=True),  # each action once per update
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("result", sa.String, nullable=False),  # empty: begun, and its end is not known
    sa.Column("topic", sa.BigInteger),
)

# Later versions append statements here; entry n brings version n + 1 to n + 2. Version 1 is `metadata` as it stands.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "ALTER TABLE incidents ADD COLUMN taken_from VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE incidents ADD COLUMN released_by VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE messages ADD COLUMN ended_at DOUBLE PRECISION",
        "ALTER TABLE outbox ADD COLUMN message INTEGER",
        "ALTER TABLE actions ADD COLUMN topic BIGINT",
    ),
)
VERSION = 1 + len(MIGRATIONS)


def migrate(connection: sa.Connection) -> str | None:
    """Bring a database to this version; return why it cannot be used, or None."""
    found = 0
    if sa.inspect(connection).has_table(meta.name):
        value = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "version"))
        found = int(value) if value and value.isdigit() else 0
    if found > VERSION:
        return f"the database is of version {found}, this program knows {VERSION}; use the newer program"
    if found == 0:
        metadata.create_all(connection)
    for statements in MIGRATIONS[found - 1 if found else len(MIGRATIONS) :]:
        for statement in statements:
            connection.execute(sa.text(statement))
    connection.execute(sa.delete(meta).where(meta.c.key == "version"))
    connection.execute(sa.insert(meta).values(key="version", value=str(VERSION)))
    return None
