"""The real desk that these tests share."""

from testbeds.rt import rt, running_rt

__all__ = ["rt", "running_rt"]
