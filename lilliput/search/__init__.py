"""The search for the smallest model that passes: ladder, trials, ledger, confirmation.

    for snapshot in find(SearchSpec(...), job, folder):      # a live table draws each one
        ...
    snapshot.result                                           # the last one has the answer
    read_result(folder)                                       # or from the ledger, at any time

Knows models only by a Job's functions, and prints nothing.
"""
