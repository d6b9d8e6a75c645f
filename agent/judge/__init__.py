"""From findings to alerts: m of n, flapping, dependencies, maintenance, isolation, staleness. No I/O, no clock."""

from agent.judge.core import Judge
from agent.judge.explain import AlertExplained, CheckExplained, Explanation
from agent.judge.scene import Windows
from agent.judge.watch import CADENCES_UNTIL_STALE, Seen

__all__ = ["CADENCES_UNTIL_STALE", "AlertExplained", "CheckExplained", "Explanation", "Judge", "Seen", "Windows"]
