"""Judge a family's model and its baselines on the real sets: `python -m tests.bench.quality --help`."""
