"""The incident feed: a log with a sequence number, and the forms in which readers and webhooks get it."""
