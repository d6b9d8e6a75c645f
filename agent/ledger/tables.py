"""The tables of the ledger (SQLAlchemy Core), the same on SQLite and PostgreSQL.

Times are Unix seconds as floating point (DOUBLE PRECISION). JSON columns hold what only the owner of the row reads.
The promises are indices, not habits: one live incident per cause, one ticket per incident and desk, one wish once.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = BigInteger().with_variant(Integer, "sqlite")

ledger_info = Table(
    "ledger_info",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("epoch", String(40), nullable=False),  # a restored ledger gets a new one
    Column("sequence", BigInteger, nullable=False),  # last event number; counted up inside the transaction
    Column(
        "commits", BigInteger, nullable=False, server_default="0"
    ),  # last committed group; answers "did that commit happen?"
    Column("pruned", BigInteger, nullable=False, server_default="0"),  # highest event number that was ever removed
    Column("created_at", Double, nullable=False),
)

epochs = Table(  # earlier epochs of this log; a restored ledger goes on from where its copy was made
    "epochs",
    metadata,
    Column("epoch", String(40), primary_key=True),
    Column("last", BigInteger, nullable=False),  # up to this event its log and this one are the same
    Column("ended_at", Double, nullable=False),
)

families = Table(  # what the readings in `checks` are readings of; kept once, not in each row
    "families",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("body", JSON, nullable=False),
)

checks = Table(  # the last assessment of every check, so that /metrics is whole after a restart
    "checks",
    metadata,
    Column("check_id", String(255), primary_key=True),
    Column("vantage", String(100), primary_key=True),
    Column("target", String(200), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("state", String(20), nullable=False),
    Column("started", Double, nullable=False),
    Column("duration", Double, nullable=False),
    Column("valid_for", Double, nullable=False),
    Column("reached", Boolean),
    Column("last_success", Double),
    Column("assessment", LargeBinary, nullable=False),  # JSON, findings and readings
    Column("memory_version", Integer),
    Column("memory", Text),
)

alerts = Table(
    "alerts",
    metadata,
    Column("council", String(60), primary_key=True),
    Column("subject", String(200), primary_key=True),
    Column("condition", String(200), primary_key=True),
    Column("site", String(100), nullable=False),
    Column("level", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("first_bad", Double),
    Column("first_good", Double),
    Column("last_result", Double, nullable=False),
    Column("fresh_until", Double, nullable=False),
    Column("held_until", Double),
    Column("body", JSON, nullable=False),  # the rest of agent.records.Alert
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("council", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("condition", String(200), nullable=False),
    Column("site", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("priority", String(2), nullable=False),
    Column("wake", String(20), nullable=False),
    Column("title", String(200), nullable=False),
    Column("suspected_at", Double, nullable=False),
    Column("opened_at", Double),
    Column("resolved_at", Double),
    Column("closed_at", Double),
    Column("changed_at", Double, nullable=False),
    Column("hidden", Integer, nullable=False, server_default="0"),
    Column("body", JSON, nullable=False),  # the rest of agent.records.Incident
    Index(
        "one_live_incident_per_cause",
        "council",
        "subject",
        "condition",
        unique=True,
        sqlite_where=text("state IN ('suspect', 'open', 'recovering')"),
        postgresql_where=text("state IN ('suspect', 'open', 'recovering')"),
    ),
    Index("incidents_by_state", "state", "changed_at"),
)

children = Table(
    "children",
    metadata,
    Column("incident", String(30), ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True),
    Column("council", String(60), primary_key=True),
    Column("subject", String(200), primary_key=True),
    Column("condition", String(200), primary_key=True),
    Column("since", Double, nullable=False),
    Column("until", Double),
)

events = Table(
    "events",
    metadata,
    Column("sequence", BigId, primary_key=True, autoincrement=False),
    Column("incident", String(30), nullable=False, index=True),
    Column("council", String(60), nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("actor", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("about", JSON),  # the incident as it was once this was written; null in rows older than this column
)

webhooks = Table(  # how far each subscription has been told, one row per subscription
    "webhooks",
    metadata,
    Column("subscription", String(100), primary_key=True),
    Column("endpoint", String(64)),  # digest of its URL, so that another one is noticed; null: not known yet
    Column("sequence", BigInteger, nullable=False),  # up to this event it was told, or the event is a dead letter
    Column("state", String(20), nullable=False),  # active, failing, off
    Column("attempts", Integer, nullable=False, server_default="0"),  # of the event after `sequence`
    Column("in_a_row", Integer, nullable=False, server_default="0"),  # dead letters since it last took an event
    Column("not_before", Double, nullable=False, server_default="0"),
    Column("failing_since", Double),
    Column("delivered_at", Double),
    Column("last_error", Text),
)

dead_letters = Table(  # events that a subscription could not be told
    "dead_letters",
    metadata,
    Column("subscription", String(100), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("wanted", Boolean, nullable=False, server_default=text("false")),  # somebody wants it told once more
)

ticket_links = Table(  # the link, its lease and the state of its protocol, one row per incident and desk
    "ticket_links",
    metadata,
    Column("incident", String(30), primary_key=True),
    Column("desk", String(100), primary_key=True),
    Column("queue", String(200), nullable=False),
    Column("digest", String(16), nullable=False),
    Column("phase", String(20), nullable=False),  # wanted, attempted, linked, done, blocked, lost
    Column("ticket", String(100)),
    Column("lease_owner", String(60)),
    Column("lease_until", Double),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", Double, nullable=False, server_default="0"),
    Column("attempted_at", Double),
    Column("linked_at", Double),
    Column("last_error", Text),
    Column("failures", Integer, nullable=False, server_default="0"),
)
Index(
    "one_incident_per_ticket",
    ticket_links.c.desk,
    ticket_links.c.ticket,
    unique=True,
    sqlite_where=text("ticket IS NOT NULL"),
    postgresql_where=text("ticket IS NOT NULL"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("incident", String(30), nullable=False),
    Column("desk", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("priority", String(2), nullable=False),
    Column("mode", String(10), nullable=False),
    Column("phase", String(20), nullable=False),  # waiting, done, shadow, blocked
    Column("done_at", Double),
    Column("body", JSON, nullable=False),  # the rest of agent.records.DeskWish
    UniqueConstraint("incident", "desk", "kind", "number", name="one_wish_once"),
    Index("outbox_waiting", "desk", "phase", "id"),
)

maintenance = Table(
    "maintenance",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("start", Double, nullable=False),
    Column("end", Double, nullable=False),
    Column("ended_at", Double),
    Column("author", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("selector", JSON, nullable=False),
)

drills = Table(  # announced tests of what should hold, of any kind, and what was measured in them
    "drills",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("kind", String(30), nullable=False),
    Column("council", String(60), nullable=False),
    Column("target", String(200), nullable=False),
    Column("start", Double, nullable=False),
    Column("ended_at", Double),  # null: under way, or broken off by a kill
    Column("outcome", String(30)),
    Column("proven_at", Double),  # when what it drills was last proven by it
    Column("body", JSON, nullable=False),  # the rest of agent.drills.records.Drill
    Index("drills_by_target", "target", "start"),
)

spans = Table(  # run-length encoded: one row as long as nothing changes
    "spans",
    metadata,
    Column("council", String(60), primary_key=True),
    Column("subject", String(200), primary_key=True),
    Column("condition", String(200), primary_key=True),
    Column("start", Double, primary_key=True),
    Column("end", Double, nullable=False),
    Column("state", String(20), nullable=False),
    Column("flags", String(80), nullable=False, server_default=""),
    Column(
        "run", String(30)
    ),  # the agent's run that holds it open: it then lasts as long as that run does; null: ended
    Index("spans_by_end", "end"),
    Index("spans_held", "run", sqlite_where=text("run IS NOT NULL"), postgresql_where=text("run IS NOT NULL")),
    sqlite_with_rowid=False,
)

agent_spans = Table(  # when the agent was alive, so that gaps show
    "agent_spans",
    metadata,
    Column("run", String(30), primary_key=True),
    Column("vantage", String(100), nullable=False),
    Column("start", Double, nullable=False),
    Column("end", Double, nullable=False),
    Column("clean", Boolean, nullable=False, server_default=text("false")),
)

daily_peaks = Table(
    "daily_peaks",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("family", String(120), primary_key=True),
    Column("target", String(200), primary_key=True),
    Column("labels", String(300), primary_key=True),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    sqlite_with_rowid=False,
)

runs = Table(  # run history: state changes and faults, not every run
    "runs",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("check_id", String(255), nullable=False),
    Column("vantage", String(100), nullable=False),
    Column("started", Double, nullable=False),
    Column("duration", Double, nullable=False),
    Column("state", String(20), nullable=False),
    Column("fault", Text),
    Index("runs_by_check", "check_id", "started"),
)

pings = Table(  # what backup jobs told of their own accord, in the order in which it came
    "pings",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("job", String(300), nullable=False),  # target/name
    Column("received", Double, nullable=False),
    Column("at", Double, nullable=False),  # when it was sent, by our clock
    Column("sign", String(10), nullable=False),
    Column("code", Integer),
    Column("rid", String(64), nullable=False, server_default=""),
    Column("facts", JSON, nullable=False),  # bytes, files, errors, seconds, log: those that were told
    Index("pings_by_job", "job", "id"),
)

credential_refusals = Table(  # which credential was refused by whom, so that a restart tries no account into its lock
    "credential_refusals",
    metadata,
    Column("credential", String(100), primary_key=True),
    Column("targets", JSON, nullable=False),  # target to the moment of its last refusal
)

audit = Table(  # who did what, through agent.commands
    "audit",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("detail", JSON, nullable=False),
)
