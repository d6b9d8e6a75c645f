"""What the agent keeps: alert states, incidents and their timeline, the outbox, spans, peaks and run history."""
