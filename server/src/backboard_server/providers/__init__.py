"""Providers: every model of every vendor behind one port (`domain.ports.ChatModels`)."""

from ._http import EgressTimeouts
from .chat import Providers

__all__ = ["EgressTimeouts", "Providers"]
