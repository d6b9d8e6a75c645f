"""Create every table.

Revision 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agent_spans",
        sa.Column("run", sa.String(length=30), nullable=False),
        sa.Column("vantage", sa.String(length=100), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("clean", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_agent_spans")),
    )
    op.create_table(
        "alerts",
        sa.Column("council", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.String(length=200), nullable=False),
        sa.Column("site", sa.String(length=100), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("first_bad", sa.Double(), nullable=True),
        sa.Column("first_good", sa.Double(), nullable=True),
        sa.Column("last_result", sa.Double(), nullable=False),
        sa.Column("fresh_until", sa.Double(), nullable=False),
        sa.Column("held_until", sa.Double(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("council", "subject", "condition", name=op.f("pk_alerts")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "checks",
        sa.Column("check_id", sa.String(length=255), nullable=False),
        sa.Column("vantage", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("valid_for", sa.Double(), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=True),
        sa.Column("last_success", sa.Double(), nullable=True),
        sa.Column("assessment", sa.LargeBinary(), nullable=False),
        sa.Column("memory_version", sa.Integer(), nullable=True),
        sa.Column("memory", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("check_id", "vantage", name=op.f("pk_checks")),
    )
    op.create_table(
        "daily_peaks",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("labels", sa.String(length=300), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("day", "family", "target", "labels", name=op.f("pk_daily_peaks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("incident", sa.String(length=30), nullable=False),
        sa.Column("council", sa.String(length=60), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_incident"), "events", ["incident"], unique=False)

    op.create_table(
        "families",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_families")),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("council", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.String(length=200), nullable=False),
        sa.Column("site", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("priority", sa.String(length=2), nullable=False),
        sa.Column("wake", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("suspected_at", sa.Double(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=True),
        sa.Column("resolved_at", sa.Double(), nullable=True),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("hidden", sa.Integer(), server_default="0", nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index("incidents_by_state", "incidents", ["state", "changed_at"], unique=False)
    op.create_index(
        "one_live_incident_per_cause",
        "incidents",
        ["council", "subject", "condition"],
        unique=True,
        sqlite_where=sa.text("state IN ('suspect', 'open', 'recovering')"),
        postgresql_where=sa.text("state IN ('suspect', 'open', 'recovering')"),
    )

    op.create_table(
        "ledger_info",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("commits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pruned", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_info_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_info")),
    )
    op.create_table(
        "maintenance",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("selector", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("incident", sa.String(length=30), nullable=False),
        sa.Column("desk", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("priority", sa.String(length=2), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("done_at", sa.Double(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("incident", "desk", "kind", "number", name="one_wish_once"),
    )
    op.create_index("outbox_waiting", "outbox", ["desk", "phase", "id"], unique=False)

    op.create_table(
        "runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("check_id", sa.String(length=255), nullable=False),
        sa.Column("vantage", sa.String(length=100), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("runs_by_check", "runs", ["check_id", "started"], unique=False)

    op.create_table(
        "spans",
        sa.Column("council", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.String(length=200), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("flags", sa.String(length=80), server_default="", nullable=False),
        sa.Column("run", sa.String(length=30), nullable=True),
        sa.PrimaryKeyConstraint("council", "subject", "condition", "start", name=op.f("pk_spans")),
        sqlite_with_rowid=False,
    )
    op.create_index("spans_by_end", "spans", ["end"], unique=False)
    op.create_index(
        "spans_held",
        "spans",
        ["run"],
        unique=False,
        sqlite_where=sa.text("run IS NOT NULL"),
        postgresql_where=sa.text("run IS NOT NULL"),
    )

    op.create_table(
        "ticket_links",
        sa.Column("incident", sa.String(length=30), nullable=False),
        sa.Column("desk", sa.String(length=100), nullable=False),
        sa.Column("queue", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("ticket", sa.String(length=100), nullable=True),
        sa.Column("lease_owner", sa.String(length=60), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.Double(), server_default="0", nullable=False),
        sa.Column("attempted_at", sa.Double(), nullable=True),
        sa.Column("linked_at", sa.Double(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("incident", "desk", name=op.f("pk_ticket_links")),
    )
    op.create_index(
        "one_incident_per_ticket",
        "ticket_links",
        ["desk", "ticket"],
        unique=True,
        sqlite_where=sa.text("ticket IS NOT NULL"),
        postgresql_where=sa.text("ticket IS NOT NULL"),
    )

    op.create_table(
        "children",
        sa.Column("incident", sa.String(length=30), nullable=False),
        sa.Column("council", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.String(length=200), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_children_incident"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("incident", "council", "subject", "condition", name=op.f("pk_children")),
    )
