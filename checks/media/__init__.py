"""The media process: sends and measures the sound of test calls, beside the agent, for as long as there are any.

The agent opens the ports of a call, and hands them over with one end of a socket pair and the call's course. The
process sends a packet every 20 ms, measures what comes back, and answers once, with a report, when the agent ends its
end of the pair. It ends with the agent's socket. A thread of the agent would wait for the interpreter while checks run.

`checks.transports.rtp` starts it and speaks to it. Nothing outside the standard library is imported here, so that it
starts fast and stays small.
"""
