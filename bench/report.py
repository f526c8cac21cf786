"""The report of a search of 200 trials: how large, and how long it takes to write."""

import tempfile
import time
from pathlib import Path

from lilliput.faces.report import write_report
from lilliput.units import format_bytes
from tests.report_search import write_search


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_search(folder, 200)
        started, worked = time.perf_counter(), time.process_time()
        path = write_report(folder)
        seconds, work = time.perf_counter() - started, time.process_time() - worked
        size = format_bytes(path.stat().st_size)
        print(f"report of 200 trials: {size} (reach: 3 MB), {seconds:.1f} s (reach: 5 s)")
        print(f"processor time of its own process: {work:.1f} s; more means a busy machine")


if __name__ == "__main__":
    main()
