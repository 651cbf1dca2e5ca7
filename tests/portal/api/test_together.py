"""Questions that come at one time: who asks for whom, and that everybody gets an answer of their own."""

from __future__ import annotations

import gc
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Final
from uuid import UUID
from weakref import ref

import pytest

from portal.api.together import Together

KEY: Final = uuid.UUID(int=1)
PATIENCE: Final = 60  # seconds


class Asker:
    """Answers with the question's own number; the first call waits until it may go on."""

    def __init__(self, answer: Callable[[Sequence[int]], Sequence[int | Exception]] = list) -> None:
        self.calls: list[list[int]] = []
        self.begun, self.go_on = Event(), Event()
        self.answer = answer
        self.together = Together[int, int](self._all, outside=(OSError,))

    def _all(self, questions: Sequence[int]) -> Sequence[int | Exception]:
        self.calls.append(list(questions))
        if len(self.calls) == 1:
            self.begun.set()
            assert self.go_on.wait(PATIENCE)
        return self.answer(questions)

    def waiting(self, key: UUID = KEY) -> int:
        return len(self.together._waiting.get(key, []))

    def ask_several(self, threads: ThreadPoolExecutor, *numbers: int) -> list[Future[int]]:
        """Let the first be asked, and all others wait for it by the time that it goes on."""
        asked = [threads.submit(self.together.ask, KEY, numbers[0])]
        assert self.begun.wait(PATIENCE)
        for place, number in enumerate(numbers[1:], 1):
            asked.append(threads.submit(self.together.ask, KEY, number))
            while self.waiting() < place:
                time.sleep(0.001)
        self.go_on.set()
        return asked


def outcome(asked: Future[int]) -> int | Exception:
    error = asked.exception(PATIENCE)
    return error if isinstance(error, Exception) else asked.result()


def test_who_comes_meanwhile_goes_next_in_one() -> None:
    asker = Asker()
    with ThreadPoolExecutor(6) as threads:
        asked = asker.ask_several(threads, 1, 2, 3, 4, 5)
        assert [outcome(each) for each in asked] == [1, 2, 3, 4, 5]
    assert asker.calls == [[1], [2, 3, 4, 5]]
    assert asker.together._waiting == {}
    assert asker.together.ask(KEY, 6) == 6
    assert asker.calls[2:] == [[6]]


def test_one_key_holds_up_no_other() -> None:
    asker = Asker()
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(asker.together.ask, KEY, 1)
        assert asker.begun.wait(PATIENCE)
        assert asker.together.ask(UUID(int=2), 2) == 2
        assert not held.done()
        asker.go_on.set()
        assert held.result(PATIENCE) == 1


def test_an_exception_in_an_answers_place_is_its_askers() -> None:
    asker = Asker(lambda several: [KeyError(each) if each == 3 else each for each in several])
    with ThreadPoolExecutor(6) as threads:
        asked = asker.ask_several(threads, 1, 2, 3, 4)
        found = [outcome(each) for each in asked]
    assert [found[0], found[1], found[3]] == [1, 2, 4]
    assert isinstance(found[2], KeyError)


def test_what_one_question_breaks_the_others_ask_alone() -> None:
    def answer(several: Sequence[int]) -> Sequence[int]:
        if 3 in several:
            raise ValueError(3)
        return several

    asker = Asker(answer)
    with ThreadPoolExecutor(6) as threads:
        asked = asker.ask_several(threads, 1, 2, 3, 4)
        found = [outcome(each) for each in asked]
    assert [found[0], found[1], found[3]] == [1, 2, 4]
    assert isinstance(found[2], ValueError)
    assert asker.calls[:2] == [[1], [2, 3, 4]]
    assert sorted(asker.calls[2:]) == [[2], [3], [4]]
    assert asker.together._waiting == {}


def test_what_is_down_is_asked_once_for_all() -> None:
    """Else each would wait for it once more; and nobody shares an exception, which raising changes."""

    def answer(several: Sequence[int]) -> Sequence[int]:
        if 1 not in several:
            raise ConnectionError("the database is away")
        return several

    asker = Asker(answer)
    with ThreadPoolExecutor(6) as threads:
        _, *failed = [outcome(each) for each in asker.ask_several(threads, 1, 2, 3, 4)]
    assert [(type(each), str(each)) for each in failed] == [(ConnectionError, "the database is away")] * 3
    assert len({id(each) for each in failed}) == 3
    assert sum(isinstance(each, Exception) and each.__cause__ is None for each in failed) == 1  # the others name it
    assert len(asker.calls) == 2


def test_whoever_asks_alone_hears_the_failure_itself() -> None:
    asker = Asker(lambda several: [1 // each for each in several])
    asker.go_on.set()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            asker.together.ask(KEY, 0)
    assert asker.calls == [[0], [0]]
    assert asker.together.ask(KEY, 1) == 1


def test_an_asker_that_is_ended_takes_nobody_along() -> None:
    def answer(several: Sequence[int]) -> Sequence[int]:
        if several[0] == 2 and len(several) > 1:
            raise SystemExit
        return several

    asker = Asker(answer)
    with ThreadPoolExecutor(6) as threads:
        one, two, *rest = asker.ask_several(threads, 1, 2, 3, 4)
        assert isinstance(two.exception(PATIENCE), SystemExit)
        assert [outcome(each) for each in (one, *rest)] == [1, 3, 4]
    assert asker.together._waiting == {}


def test_whoever_is_refused_leaves_nothing_behind() -> None:
    """What raises an exception is in its traceback: a ring would keep question and answer until a collection."""

    class Question:
        pass

    asked = Question()
    alive = ref(asked)
    together = Together[Question, int](lambda _: [KeyError("no")], outside=())
    gc.disable()
    try:
        with suppress(KeyError):
            together.ask(KEY, asked)
        del asked
        assert alive() is None
    finally:
        gc.enable()
