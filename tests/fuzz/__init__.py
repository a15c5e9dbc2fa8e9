"""Bytes of any kind against every reader: `make fuzz`."""
