"""What is wrong with the agent, its machine and its set-up: small rooms that look, judge, and change nothing."""
