"""Reading and writing the ends of pipes as they come, whatever the other side made of them.

An end may be set not to block, by a parent that shares it: then "nothing there now" is no end,
and what does not fit now fits later. An end that is gone is the end of what can be read.
"""

import os


class Lines:
    """The lines that come, each with its newline, which the last may lack; `b""` after it."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._read = bytearray()
        self._searched = 0

    def next(self) -> bytes:
        """Wait for the next line."""
        while (newline := self._read.find(b"\n", self._searched)) < 0:
            self._searched = len(self._read)
            piece = read(self._end, 1 << 16)
            if not piece:
                newline = len(self._read) - 1
                break
            self._read += piece
        line = bytes(self._read[: newline + 1])
        del self._read[: newline + 1]
        self._searched = 0
        return line


def is_open(end: int) -> bool:
    """Whether there is anything at that end at all."""
    try:
        os.fstat(end)
    except OSError:
        return False
    return True


def line(end: int) -> bytes:
    """The next line, without reading a byte beyond it: somebody else goes on with the rest."""
    found = bytearray()
    while piece := read(end, 1):
        found += piece
        if piece == b"\n":
            break
    return bytes(found)


def read(end: int, size: int) -> bytes:
    """Some bytes, as soon as there are any; `b""` when there will be none any more."""
    while True:
        try:
            return os.read(end, size)
        except BlockingIOError:
            _wait(end, for_writing=False)
        except OSError:  # closed by whoever started us, or a terminal that hung up
            return b""


def write(end: int, content: bytes) -> None:
    """Write all of it.

    Raises:
        OSError: Nobody reads any more.
    """
    left = memoryview(content)
    while left:
        try:
            left = left[os.write(end, left) :]
        except BlockingIOError:
            _wait(end, for_writing=True)


def _wait(end: int, *, for_writing: bool) -> None:
    import select  # noqa: PLC0415  # hardly ever needed

    select.select([] if for_writing else [end], [end] if for_writing else [], [])
