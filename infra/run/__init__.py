"""Runs the platform on one machine: Airflow, the whole road for a company, and its summary."""
