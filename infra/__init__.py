"""Where the platform runs, and the sample company that exercises it."""
