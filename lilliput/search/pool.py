"""Workers: an Executor of processes, each with one thread, that outlives the death of any of them.

A worker writes nothing and shares nothing. One that dies costs the one slice that it was at: each
has an executor of its own, which is made again and given that slice again.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from lilliput.errors import LilliputError

ATTEMPTS = 3
"""How often one slice may lose its worker before the search gives it up."""

Call = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any], int]


class WorkerPool(Executor):
    """`num_workers` processes, started by spawn when first needed.

    A result is the function's; LilliputError where its worker died `ATTEMPTS` times.
    """

    def __init__(self, num_workers: int = 0) -> None:
        self.num_workers = num_workers or os.cpu_count() or 1
        self._context = multiprocessing.get_context("spawn")
        _begin_quiet_tracker()
        # Workers hold the other end and see it close at the driver's end, be it by kill -9.
        self._leash, self._alive = self._context.Pipe(duplex=False)
        self._idle = [self._make() for _ in range(self.num_workers)]
        self._waiting: deque[Call] = deque()
        self._mutex = threading.Lock()
        self._closed = False

    def _make(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, self._context, _begin_worker, (self._leash,))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._mutex:
            if self._closed:
                raise RuntimeError("cannot submit to a pool that is shut down")
            self._waiting.append((future, fn, args, kwargs, 1))
        self._feed()
        return future

    def _feed(self) -> None:
        while True:
            with self._mutex:
                if self._closed or not self._idle or not self._waiting:
                    return
                worker, call = self._idle.pop(), self._waiting.popleft()
            self._send(worker, call)

    def _send(self, worker: ProcessPoolExecutor, call: Call) -> None:
        future, fn, args, kwargs, _ = call
        if not future.running() and not future.set_running_or_notify_cancel():
            self._give_back(worker)
            return
        try:
            with _deaf_to_interrupts():
                sent = worker.submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self._resend(worker, call)
            return
        sent.add_done_callback(lambda done: self._receive(worker, call, done))

    def _receive(self, worker: ProcessPoolExecutor, call: Call, done: "Future[Any]") -> None:
        future = call[0]
        if self._closed:
            future.set_exception(LilliputError("the pool was shut down"))
            return
        error = done.exception()
        if isinstance(error, BrokenProcessPool):
            self._resend(worker, call)
            return
        self._give_back(worker)
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(done.result())
        self._feed()

    def _resend(self, worker: ProcessPoolExecutor, call: Call) -> None:
        worker.shutdown(wait=False)
        future, fn, args, kwargs, attempt = call
        with self._mutex:
            self._idle.append(self._make())
            if attempt < ATTEMPTS:
                self._waiting.appendleft((future, fn, args, kwargs, attempt + 1))
        if attempt >= ATTEMPTS:
            future.set_exception(
                LilliputError(f"a worker died {ATTEMPTS} times at the same slice; is memory short?")
            )
        self._feed()

    def _give_back(self, worker: ProcessPoolExecutor) -> None:
        with self._mutex:
            self._idle.append(worker)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the workers at once, whatever they are at: a slice not recorded is done again."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            workers = list(self._idle)
            for call in self._waiting:
                call[0].cancel()
        try:
            # In order, so that they take away what they made, such as semaphores of torch.compile.
            for worker in workers:
                worker.shutdown(wait=wait)
        finally:
            self._alive.close()
            self._leash.close()


class SerialExecutor(Executor):
    """Calls in the same thread, when submitted: for simulations and tests."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _begin_quiet_tracker() -> None:
    """Python's resource tracker takes away the semaphores of processes that were cut off, as it
    should; it need not warn of that."""
    if os.name != "posix":
        return
    name, mine = "PYTHONWARNINGS", "ignore:resource_tracker:UserWarning"
    before = os.environ.get(name)
    os.environ[name] = f"{before},{mine}" if before else mine
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process started meanwhile does not hear Ctrl-C from its first instant, as children inherit
    what is blocked; the driver hears it when this is over. (Ignored instead, it would be lost.)"""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(leash: Connection) -> None:
    """One thread; Ctrl-C is the driver's to handle; no life after the driver's."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, args=(leash,), daemon=True).start()


def _end_with_driver(leash: Connection) -> None:
    try:
        leash.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
