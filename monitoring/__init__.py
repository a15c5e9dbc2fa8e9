"""Are the released models still true? Drift, performance on late labels, bias; and the Audit page that shows it.

    drift        inputs now against the release's reference profile   exact PSI, Evidently report
    performance  earlier scores against outcomes that arrived since   metric with interval, figure at release
    estimated    the figure that labels will show, from scores alone    by group, and whether earlier promises held
    bias         human decisions and model selections by group        per attribute, and per subject
    oversight    decisions by people against the scores before them   departures by group, rubber stamps
    report       what follows from the five                           findings, retrain request, one page
    ll144/       the bias audit of New York City's Local Law 144      a package that anybody recomputes
    ugesp        a year's applicants, hires, promotions, leavers      by job and group, sealed
    documents/   what laws want written, out of releases and reports  model card, Annex IV, DPIA, packet for a person
    examiner/    all about a release, for who has no Candor           a zip that its own verify.py proves
    portal/      the Audit page inside Airflow                         reads the reports zone, releases and the ledger

Only aggregates are written: no row of a person, no pseudonym; but for the packet, which one person gets about one
score. `_evidently` is the only user of Evidently.
"""
