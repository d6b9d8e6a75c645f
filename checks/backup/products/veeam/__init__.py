"""Veeam Backup & Replication, by its REST API."""
