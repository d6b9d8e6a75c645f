"""The steps from one schema of the ledger to the next; shipped in the wheel and run at start where one is missing.

A new step is a file in `versions/` that names the one before it; then `HEAD` and `agent.ledger.tables` follow. A test
compares what the steps make with what the tables say, on both databases. A step that has been released never changes.
"""

HEAD = "0005"
"""The newest revision: known without importing Alembic, which a start with nothing to migrate does not need."""
