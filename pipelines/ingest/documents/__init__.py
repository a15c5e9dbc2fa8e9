"""Text out of resumes: bounded parsers in their own processes, measured quality, redaction before anything is kept."""
