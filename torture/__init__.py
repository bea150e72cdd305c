"""Torture: programmes that kill, cut, stop and flood a real server, and count what it loses or doubles."""
