"""Pings of backup jobs, as the agent takes and keeps them: whose they are, and what is kept of them."""
