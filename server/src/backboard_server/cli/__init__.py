"""The command line: reads arguments, and calls below.

commands ── what can be typed
   ├── serve ── web, job_worker     one machine's processes, in the order in which they start and stop
   ├── work                         the job worker by itself
   ├── demo                         a conversation with a server of its own
   ├── keys, doctor                 beside a running server, or without one
   └── database, children, logs     what those share
"""

from .commands import main

__all__ = ["main"]
