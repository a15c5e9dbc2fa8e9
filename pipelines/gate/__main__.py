"""Command line of the gate: `python -m pipelines.gate FAMILY`."""

from pipelines import gate
from pipelines.base.stage import leave, main

if __name__ == "__main__":
    leave(main(gate.run, gate.__doc__))
