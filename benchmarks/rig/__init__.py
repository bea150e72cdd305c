"""What every benchmark stands on: the machine, the processes, the load, and how a figure is told."""
