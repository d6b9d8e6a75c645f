"""The launcher: a small process beside the agent from which plug-ins are started, and that outlives none of them.

The agent starts it once, as a script with nothing but the standard library, and sends it one end of a socket pair for
every run. The launcher forks a *keeper* for the run. The keeper reads an order from the socket, starts the program,
keeps the beginning of what it prints, ends everything that the program started, and answers once. Forking the agent
itself would copy its page tables and its threads' locks; a keeper is a copy of almost nothing.

A keeper is the subreaper (prctl(2), PR_SET_CHILD_SUBREAPER) of its run: whatever the program starts stays its
descendant, whether it forks twice, leaves the session or its process group. Each party notices when the one above it is
gone: the agent's end of the socket closes, or a signal comes on the parent's death.

`checks.transports.process` starts it and speaks to it. Nothing outside the standard library is imported here, so that a
keeper stays small.
"""
