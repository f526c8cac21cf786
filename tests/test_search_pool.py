"""Laws of the worker pool: a Ctrl-C is heard by the driver, whenever it comes, and by no worker."""

import os
import signal

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
