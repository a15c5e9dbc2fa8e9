"""Forget a person: everywhere, in every version, with a certificate.

python -m pipelines.privacy forget PERSON --reason REASON
"""
