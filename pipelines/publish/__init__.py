"""From a verdict to a release that two people answer for.

    propose    copies model, verdict and evidence out of a checkout, into `proposals/<family>/<verdict sha256>/`
    brief      prints what a reviewer reads before answering
    release    reads the verdict back by its digest and both answers from Airflow's own record, and releases
    rollback   points back to an older release
    live       prints what scores people now

`approvals` holds the rules of the two answers (pure), `records` reads Airflow, `proposals` and `release` write the
store. Each verb may be killed at any point and run again: it ends in the same state, with each event in the ledger
once. A refusal is written to the ledger as well.
"""
