"""Pages for people, `/metrics` and a small API, served inside the agent's loop."""
