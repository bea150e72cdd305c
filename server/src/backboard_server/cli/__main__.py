"""`python -m backboard_server.cli`: how a server starts its own job worker, wherever it is installed."""

from .commands import main

if __name__ == "__main__":
    main()
