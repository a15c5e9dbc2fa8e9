"""Screening: does a resume fit a requisition, learned from screening decisions."""
