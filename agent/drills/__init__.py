"""Drills: people pull the plug, the agent measures what it costs, and files the evidence. It never causes anything."""
