"""The search for the smallest model that passes: ladder, trials, ledger, confirmation.

    for snapshot in find(SearchSpec(...), job, folder):      # a live table draws each one
        ...
    snapshot.result                                           # the last one has the answer
    read_result(folder)                                       # or from the ledger, at any time

Signatures: `find(spec, job, folder, executor=None) -> Iterator[Snapshot]` (find.py),
`read_result(folder) -> Result` (find.py), `Job`, `Evidence`, `Progress`, `Range` and
`Choice` (job.py), `Snapshot`, `Result`, `Family`, `Size` (result.py), `Trial`, `Look` (trial.py),
`Ledger` (ledger.py), `export(ledger, folder)` (files.py), `WorkerPool` (pool.py).

Knows models only by a Job's functions, and prints nothing.
"""
