"""The state store's tables, and how those of an older version become them."""

SCHEMA_VERSION = 6

_CHANNELS = """
CREATE TABLE channels (
  name TEXT PRIMARY KEY,
  kinds TEXT
) STRICT"""
_WAITING = """
CREATE VIEW waiting AS SELECT * FROM outbox WHERE sent_at IS NULL AND dropped_at IS NULL"""
_CONDITIONS = """
CREATE TABLE conditions (
  concern TEXT NOT NULL,
  server TEXT NOT NULL COLLATE NOCASE,
  text TEXT NOT NULL,
  advice TEXT NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (concern, server)
) STRICT"""
_PINGS = """
CREATE TABLE pings (
  period_s INTEGER NOT NULL,
  begins_at INTEGER NOT NULL,
  server TEXT NOT NULL COLLATE NOCASE,
  sent INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  rtt_min_us INTEGER,
  rtt_sum_us INTEGER NOT NULL,
  rtt_max_us INTEGER,
  watched_ms INTEGER NOT NULL,
  down_ms INTEGER NOT NULL,
  served_ms INTEGER NOT NULL,
  PRIMARY KEY (period_s, begins_at, server)
) STRICT, WITHOUT ROWID"""

_FOLLOWED = """
CREATE TABLE followed (
  server TEXT PRIMARY KEY COLLATE NOCASE,
  as_of TEXT,
  behind INTEGER,
  trouble TEXT NOT NULL,
  advice TEXT NOT NULL,
  tables_left TEXT NOT NULL
) STRICT"""

SCHEMA = f"""
CREATE TABLE servers (
  name TEXT PRIMARY KEY COLLATE NOCASE,
  mode TEXT NOT NULL DEFAULT 'monitoring',
  authority TEXT NOT NULL DEFAULT 'live',
  failback_pending INTEGER NOT NULL DEFAULT 0,
  stale INTEGER NOT NULL DEFAULT 0,
  answered_boot_id TEXT,
  last_failover_at TEXT,
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE observations (
  server TEXT PRIMARY KEY COLLATE NOCASE,
  liveness TEXT NOT NULL,
  misses INTEGER NOT NULL,
  last_probe_at TEXT NOT NULL,
  last_answer_at TEXT
) STRICT;
CREATE TABLE stand_in (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  server TEXT NOT NULL COLLATE NOCASE,
  boot_id TEXT NOT NULL,
  since TEXT NOT NULL,
  phase TEXT NOT NULL,
  address TEXT,
  adapter TEXT,
  unready TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE application (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  pid INTEGER NOT NULL,
  created_at REAL NOT NULL
) STRICT;
CREATE TABLE addresses (
  address TEXT PRIMARY KEY,
  adapter TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  server TEXT COLLATE NOCASE,
  since TEXT NOT NULL
) STRICT;
CREATE TABLE copies (
  server TEXT NOT NULL COLLATE NOCASE,
  kind TEXT NOT NULL,
  as_of TEXT NOT NULL,
  finished_at TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (server, kind)
) STRICT;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  server TEXT NOT NULL COLLATE NOCASE,
  work TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  outcome TEXT
) STRICT;
CREATE INDEX runs_by_server ON runs (server, work, id);
CREATE TABLE journal (
  resource TEXT PRIMARY KEY COLLATE NOCASE,
  workflow TEXT NOT NULL,
  server TEXT NOT NULL COLLATE NOCASE,
  boot_id TEXT NOT NULL,
  started_at TEXT NOT NULL,
  facts TEXT NOT NULL DEFAULT '{{}}',
  undo_reason TEXT
) STRICT;
CREATE TABLE journal_steps (
  resource TEXT NOT NULL COLLATE NOCASE REFERENCES journal (resource) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  parameters TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting',
  PRIMARY KEY (resource, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  server TEXT COLLATE NOCASE,
  level TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE TABLE alert_memory (
  server TEXT NOT NULL COLLATE NOCASE,
  topic TEXT NOT NULL,
  event INTEGER NOT NULL,
  since TEXT NOT NULL,
  mailed_at TEXT NOT NULL,
  reminders INTEGER NOT NULL,
  repeats INTEGER NOT NULL,
  closed_at TEXT,
  spells INTEGER NOT NULL,
  PRIMARY KEY (server, topic)
) STRICT;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  recipients TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT NOT NULL,
  leased_until TEXT,
  leased_by TEXT,
  sent_at TEXT,
  dropped_at TEXT,
  last_error TEXT,
  channel TEXT NOT NULL DEFAULT 'mail',
  document TEXT
) STRICT;
CREATE INDEX outbox_waiting ON outbox (id) WHERE sent_at IS NULL AND dropped_at IS NULL;
{_WAITING};
{_CHANNELS};
{_PINGS};
{_CONDITIONS};
{_FOLLOWED};
CREATE TABLE monitor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  started_at TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL
) STRICT;
CREATE TABLE revision (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL
) STRICT;
INSERT INTO revision VALUES (1, 0);
"""  # noqa: S608 - our own words

MIGRATIONS = {
    1: (
        "ALTER TABLE outbox ADD COLUMN channel TEXT NOT NULL DEFAULT 'mail'",
        "ALTER TABLE outbox ADD COLUMN document TEXT",
        "DROP VIEW waiting_mails",
        _WAITING,
        _CHANNELS,
    ),
    2: (_PINGS,),
    3: (_CONDITIONS,),
    4: (_FOLLOWED,),
    5: ("ALTER TABLE stand_in ADD COLUMN unready TEXT NOT NULL DEFAULT ''",),
}
"""For each older version what makes it the next one."""

_WATCHED = ("servers", "stand_in", "addresses", "copies")

# A trigger's body has a semicolon of its own, so these are statements, not a script.
TRIGGERS = tuple(
    f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} "  # noqa: S608 - our own names
    "BEGIN UPDATE revision SET number = number + 1; END"
    for table in _WATCHED
    for event in ("insert", "update", "delete")
)
"""What decisions depend on counts its changes; the monitor's own heartbeats do not."""
