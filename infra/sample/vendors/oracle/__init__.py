"""The company as Oracle HCM Cloud prints it: data loader files, an HCM extract, reports of BI Publisher.

The same rows as in `workday`, in another vendor's words, a module for each way out.
"""

KINDS = {"Employee": "E", "Contingent Worker": "C", "Nonworker": "N"}
"""Workday's type of a worker -> Oracle's."""
