"""What the ledger can prove of a time that is over, for people who were not there: assessors and boards."""
