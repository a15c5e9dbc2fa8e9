"""Sets up one company on one machine: folders, keys, accounts, git and DVC remotes. Standard library only."""
