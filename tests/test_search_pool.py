"""Laws of the worker pool: a Ctrl-C is heard by the driver, whenever it comes, and by no worker."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lilliput.search.pool import WorkerPool, _deaf_to_interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


def test_ctrl_c_while_a_worker_starts_is_put_off_and_not_lost() -> None:
    started = False
    with pytest.raises(KeyboardInterrupt), _deaf_to_interrupts():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        started = True
    assert started
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_worker_does_not_hear_ctrl_c() -> None:
    pool = WorkerPool(1)
    try:
        worker = pool.submit(os.getpid).result()
        os.kill(worker, signal.SIGINT)
        assert pool.submit(os.getpid).result() == worker
    finally:
        pool.shutdown()


_LEAKING = """
import multiprocessing, os, sys
from lilliput.search.pool import WorkerPool
sys.path.insert(0, {folder!r})
import holding
pool = WorkerPool(1)
pool.submit(holding.hold).result()
{end}
"""


@pytest.mark.parametrize("end", ["pool.shutdown()", "os.kill(os.getpid(), 9)"])
def test_nothing_is_said_of_what_workers_held(end: str, tmp_path: Path) -> None:
    """Semaphores, as libraries make them in a worker and keep them to its end."""
    hold = (
        "import multiprocessing\nkept = []\ndef hold():\n    kept.append(multiprocessing.RLock())\n"
    )
    (tmp_path / "holding.py").write_text(hold)
    script = _LEAKING.format(folder=str(tmp_path), end=end)
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[1]}:{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
