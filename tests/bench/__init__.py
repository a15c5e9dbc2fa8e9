"""Figures of one machine, as ratios where a peer exists: `make bench`."""
