"""Programs of the agent's own machine, run one by one under limits, and ended with everything they started."""

from checks.transports.process.programs import DIRECTORIES, VARIABLE
from checks.transports.process.transport import Ended, Outcome, ProcessTransport, Program

__all__ = ["DIRECTORIES", "VARIABLE", "Ended", "Outcome", "ProcessTransport", "Program"]
