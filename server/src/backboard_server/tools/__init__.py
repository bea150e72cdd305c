"""Tools that the server executes itself: what a run's toolbox is filled from, a file for each kind."""

from .fill import open_toolbox
from .mcp import can_use_mcp
from .toolbox import Toolbox

__all__ = ["Toolbox", "can_use_mcp", "open_toolbox"]
