"""The sample company as other vendors print it. A module each; nothing here is part of `make run`."""
