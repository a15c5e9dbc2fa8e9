"""What every stage shares: names, contracts, settings, errors, the store and the lake. Knows no stage."""
