"""Forget a person: everywhere, in every version, with a certificate. Let go of exports that were kept long enough.

python -m pipelines.privacy forget PERSON --reason REASON
python -m pipelines.privacy expire [--as-of DAY]
"""
