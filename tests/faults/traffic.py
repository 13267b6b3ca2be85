"""Transactions that run at the same time, in virtual time.

The driver's work is synchronous, and a statement that waits for another transaction's lock waits
inside libpq. So a transaction that others are to come between gets a thread. It runs only while
the loop stands still for it: until it asks the loop something, ends, or waits for a lock.
"""

import threading
from collections.abc import Awaitable, Callable
from queue import Empty, SimpleQueue
from typing import Generic, Literal, TypeVar

import outcome
import trio

T = TypeVar("T")
_LOOK = 0.002
"""Real seconds without a word after which the server is asked if the thread waits for a lock."""
_PATIENCE = 30.0
"""Virtual seconds after which the server ends a statement that waits for a lock."""
Question = Callable[[], Awaitable[object]]
Word = Question | Literal["done"]


class Thread(Generic[T]):
    """Synchronous work of which the loop sees every step."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._said: SimpleQueue[Word] = SimpleQueue()
        self._answers: SimpleQueue[outcome.Maybe[object]] = SimpleQueue()
        self._result: outcome.Maybe[T] | None = None
        self.heard: Word | None = None
        self.waits = False
        self.backend = 0

    def start(self) -> None:
        """Begin; the loop must listen at once."""
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self, question: Question) -> object:
        """Called by the work: have the loop do something, and wait for it."""
        self._said.put(question)
        return self._answers.get().unwrap()

    def answer(self, answer: outcome.Maybe[object]) -> None:
        """Called by the loop: go on."""
        self._answers.put(answer)

    def listen(self, blocked: Callable[[int], bool]) -> None:
        """Stand still until the thread has said something, or waits for a lock."""
        patience = 0.0 if self.waits else _LOOK
        self.waits = False
        while self.heard is None and not self.waits:
            try:
                self.heard = self._said.get(timeout=patience)
            except Empty:
                self.waits = bool(self.backend) and blocked(self.backend)
            patience = _LOOK

    def result(self) -> T:
        """What the work returned or raised, once it is done."""
        assert self._result is not None
        return self._result.unwrap()

    def _run(self) -> None:
        self._result = outcome.capture(self._work)
        self._said.put("done")


class Traffic:
    """All the transactions under way in threads.

    `blocked` tells if a backend waits for a lock, `cancel` ends its statement.
    """

    def __init__(self, blocked: Callable[[int], bool], cancel: Callable[[int], None]) -> None:
        self._blocked = blocked
        self._cancel = cancel
        self._threads: list[Thread[object]] = []
        self._moved = trio.Event()
        self.waits = 0

    @property
    def dense(self) -> bool:
        """Whether any transaction is open, so that the next one may have to wait for it."""
        return bool(self._threads)

    @property
    def jammed(self) -> bool:
        """Whether any transaction waits for another one."""
        return any(thread.waits for thread in self._threads)

    async def run(self, thread: Thread[T]) -> T:
        """Take the thread to its end. A transaction that has begun is never cut by the loop."""
        self._threads.append(thread)  # type: ignore[arg-type]  # only its steps matter here
        try:
            with trio.CancelScope(shield=True):
                thread.start()
                while (question := await self._next(thread)) != "done":
                    thread.answer(await outcome.acapture(question))
        finally:
            self._threads.remove(thread)  # type: ignore[arg-type]  # as above
            self.settle()
        return thread.result()

    def settle(self) -> None:
        """Locks may have been freed: have those who waited for them go on, before anyone else."""
        for thread in self._threads:
            if thread.waits:
                thread.listen(self._blocked)
        self._moved.set()
        self._moved = trio.Event()

    async def _next(self, thread: Thread[T]) -> Word:
        thread.listen(self._blocked)
        self.waits += thread.waits
        with trio.move_on_after(_PATIENCE):
            while thread.heard is None:
                await self._moved.wait()
        if thread.heard is None:
            self._cancel(thread.backend)
        while thread.heard is None:
            thread.listen(self._blocked)
        said, thread.heard = thread.heard, None
        return said
