"""Backup and restore of the agent itself: estate and ledger in one archive, secrets as the references they are.

An archive is packed from, and unpacked into, a staging directory with the same layout; see `stage`.
"""
