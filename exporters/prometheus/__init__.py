"""Metrics: what the checks read (`exposition`), how the agent itself is (`own`), and the page of both (`page`)."""
