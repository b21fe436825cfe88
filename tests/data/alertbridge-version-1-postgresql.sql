-- A database of version 1, as the first program made it on PostgreSQL: what migrations are held against.
CREATE TABLE meta (
	key VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY (key)
);
CREATE TABLE incidents (
	id SERIAL NOT NULL,
	subject VARCHAR NOT NULL,
	phase VARCHAR NOT NULL,
	level INTEGER NOT NULL,
	opened_at DOUBLE PRECISION NOT NULL,
	started_at DOUBLE PRECISION NOT NULL,
	ended_at DOUBLE PRECISION,
	closed_at DOUBLE PRECISION,
	told_at DOUBLE PRECISION,
	reopenings INTEGER NOT NULL,
	acknowledged_by VARCHAR NOT NULL,
	acknowledged_at DOUBLE PRECISION,
	facts JSON NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX ix_incidents_phase ON incidents (phase);
CREATE INDEX ix_incidents_subject ON incidents (subject);
CREATE INDEX ix_incidents_closed_at ON incidents (closed_at);
CREATE TABLE alerts (
	fingerprint VARCHAR NOT NULL,
	incident_id INTEGER,
	starts_at DOUBLE PRECISION NOT NULL,
	ends_at DOUBLE PRECISION,
	seen_at DOUBLE PRECISION NOT NULL,
	suppressed VARCHAR NOT NULL,
	labels JSON NOT NULL,
	annotations JSON NOT NULL,
	PRIMARY KEY (fingerprint)
);
CREATE INDEX ix_alerts_ends_at ON alerts (ends_at);
CREATE INDEX ix_alerts_incident_id ON alerts (incident_id);
CREATE TABLE messages (
	id SERIAL NOT NULL,
	chat VARCHAR NOT NULL,
	chat_id BIGINT NOT NULL,
	message_id BIGINT NOT NULL,
	kind VARCHAR NOT NULL,
	sent_at DOUBLE PRECISION NOT NULL,
	edited_at DOUBLE PRECISION NOT NULL,
	quiet BOOLEAN NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX ix_messages_chat ON messages (chat);
CREATE TABLE outbox (
	id SERIAL NOT NULL,
	chat VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	incident_id INTEGER,
	notice VARCHAR NOT NULL,
	values JSON NOT NULL,
	state VARCHAR NOT NULL,
	held BOOLEAN NOT NULL,
	created_at DOUBLE PRECISION NOT NULL,
	not_before DOUBLE PRECISION NOT NULL,
	attempts INTEGER NOT NULL,
	failure VARCHAR NOT NULL,
	detail VARCHAR NOT NULL,
	settled_at DOUBLE PRECISION,
	PRIMARY KEY (id)
);
CREATE INDEX ix_outbox_incident_id ON outbox (incident_id);
CREATE INDEX ix_outbox_chat ON outbox (chat);
CREATE INDEX ix_outbox_state ON outbox (state);
CREATE TABLE moved_chats (
	old_id BIGSERIAL NOT NULL,
	new_id BIGINT NOT NULL,
	moved_at DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (old_id)
);
CREATE TABLE actions (
	update_id BIGSERIAL NOT NULL,
	at DOUBLE PRECISION NOT NULL,
	user_id BIGINT NOT NULL,
	who VARCHAR NOT NULL,
	chat_id BIGINT NOT NULL,
	what VARCHAR NOT NULL,
	result VARCHAR NOT NULL,
	PRIMARY KEY (update_id)
);
CREATE INDEX ix_actions_at ON actions (at);
CREATE TABLE shown (
	message_id INTEGER NOT NULL,
	incident_id INTEGER NOT NULL,
	PRIMARY KEY (message_id, incident_id),
	FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
);
CREATE INDEX ix_shown_incident_id ON shown (incident_id);
INSERT INTO meta VALUES ('version', '1');
INSERT INTO incidents (subject, phase, level, opened_at, started_at, reopenings, acknowledged_by, facts) VALUES ('target:a', 'open', 3, 1.0, 1.0, 0, 'duty', '{}');
INSERT INTO messages (chat, chat_id, message_id, kind, sent_at, edited_at, quiet) VALUES ('noc', -1, 5, 'incident', 1.0, 1.0, false);
INSERT INTO shown VALUES (1, 1);
INSERT INTO outbox (chat, kind, incident_id, notice, "values", state, held, created_at, not_before, attempts, failure, detail) VALUES ('noc', 'update', 1, '', '{}', 'pending', false, 1.0, 1.0, 0, '', '');
INSERT INTO actions VALUES (7, 1.0, 22, 'duty', -1, '/ack all', '');
