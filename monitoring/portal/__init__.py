"""The Audit page: what a compliance reviewer reads, inside the Airflow UI."""
