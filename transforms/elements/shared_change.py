"""A change of the whole process that several users may need at the same time."""

import threading
from collections.abc import Callable


class SharedChange:
    """The first user makes the change, the last one undoes it: ``with CHANGE: ...``. ``make`` returns the function that undoes it."""

    def __init__(self, make: Callable[[], Callable[[], None]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._users = 0
        self._take_back: Callable[[], None]

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._take_back = self._make()
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._take_back()
