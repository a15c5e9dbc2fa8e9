"""The bias audit package of New York City's Local Law 144: what an auditor recomputes and an employer publishes.

Candor is never the independent auditor of its own tool (6 RCNY 5-300): it makes a package, a zip of counts, tables and
pages, from which somebody else gets every number again. It holds counts per category and no row of a person. The
statutory tables stand alone; what statistics say about them is on a page of its own.

    waist (Scored, groups) ─► counted ─► counts.csv ─┐
    command line ─► facts ─────────────► facts.json ─┴► bundle ─► zip in the reports zone, its digest in the ledger
                                                         proof ◄─ the zip, anywhere
"""
