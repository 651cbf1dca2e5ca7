"""Questions that come at one time, answered in one go: one of those who ask does so for all of them.

What a question costs by itself is then paid once for many: the way to a server and back, a commit, its wait for the
disk. Nobody waits for company: who comes alone asks at once, and whoever comes meanwhile goes next. Questions under
different keys never meet: one tenant's lock holds up nobody else, and no statement is about two tenants.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar
from uuid import UUID

Q = TypeVar("Q")
A = TypeVar("A")


class _Waiter(Generic[Q, A]):
    """A question, and the latch that its thread waits at until it is answered, is to go alone, or is to lead."""

    __slots__ = ("alone", "answer", "answered", "latch", "question")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.answer: A | Exception | None = None
        self.answered = self.alone = False
        self.latch = Lock()
        self.latch.acquire()


class Together(Generic[Q, A]):
    """`answer` gives, in the order of the questions, each one's answer or the exception that its asker gets.

    What it raises of `outside` is everybody's. Anything else that it raises may be one question's fault: then each goes
    alone.
    """

    def __init__(
        self, answer: Callable[[Sequence[Q]], Sequence[A | Exception]], *, outside: tuple[type[Exception], ...]
    ) -> None:
        self._answer, self._outside = answer, outside
        self._waiting: dict[UUID, list[_Waiter[Q, A]]] = {}  # of each key that somebody is asking under
        self._lock = Lock()

    def ask(self, key: UUID, question: Q) -> A:
        """Return the answer, or raise what stands in its place."""
        mine = _Waiter[Q, A](question)
        with self._lock:
            waits = key in self._waiting
            self._waiting.setdefault(key, []).append(mine)
        if waits:
            mine.latch.acquire()
        if not mine.alone:
            self._lead(key)
        answer = mine.answer if mine.answered else self._answer([question])[0]
        if not isinstance(answer, Exception):
            return answer  # type: ignore[return-value]  # answered, and so no None unless A has it
        try:
            raise answer
        finally:
            del answer, mine  # its traceback has this frame: a ring that only a collection would end

    def _lead(self, key: UUID) -> None:
        with self._lock:
            several, self._waiting[key] = self._waiting[key], []
        for each in several:
            each.alone = True  # unless an answer comes of it
        try:
            self._answer_all(several)
        finally:
            with self._lock:
                if next_ones := self._waiting[key]:
                    next_ones[0].latch.release()
                else:
                    del self._waiting[key]
            for each in several:
                each.latch.release()

    def _answer_all(self, several: Sequence[_Waiter[Q, A]]) -> None:
        answers: Sequence[A | Exception]
        try:
            answers = self._answer([each.question for each in several])
        except self._outside as error:
            answers = [error, *(_another(error) for _ in several[1:])]
        except Exception:
            if len(several) == 1:
                raise
            return
        for each, answer in zip(several, answers, strict=True):
            each.answer, each.answered = answer, True


def _another(error: Exception) -> Exception:
    """Return its like: what several threads raise must not be one object."""
    like = copy.copy(error)
    like.__cause__ = error
    return like
