"""Performance: the next rating, from work records over time, and an early warning."""
