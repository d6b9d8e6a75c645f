"""Heartbeats: pings to something outside the building, for as long as the agent works. Their end is the alarm."""
