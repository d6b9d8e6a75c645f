"""Webhooks: every event of the incident feed as a signed request to whoever wants to be told (Standard Webhooks)."""
