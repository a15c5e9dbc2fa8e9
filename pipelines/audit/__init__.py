"""The ledger: what was trained, held, approved, refused, released and scored, in an order nobody can rewrite.

Each entry is an object `ledger/<number>.json`, created only if absent, which holds the sha256 of the entry before. So
two writers cannot fork the chain, and a change anywhere shows in the entry after it. Each release anchors the head's
digest, so that a cut tail shows too. Closed stretches of 10,000 entries are sealed into write-once segments. No
personal data; approvers and requesters are named, since who decided is what the ledger is for.
"""

from pipelines.audit.ledger import Entry, Head, Tag, append, entries, head
from pipelines.audit.proof import verify

__all__ = ["Entry", "Head", "Tag", "append", "entries", "head", "verify"]
