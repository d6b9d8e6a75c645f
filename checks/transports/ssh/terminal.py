"""A terminal of one line at a time: what a person would see who watched a device's shell. Pure.

Shells of devices redraw: they print a pager's prompt and wipe it with backspaces, carriage returns or escape
sequences, echo a command letter by letter, and scroll sideways. A screen emulator keeps a screen of fixed size; what is
wanted here is the stream of finished lines. Sequences are those of ECMA-48 (ISO 6429).
"""

from __future__ import annotations

import codecs
import re

from checks.transports.ssh.text import without_controls

_WIDEST = 32_768
"""Letters of one line; what goes beyond is dropped."""
_LONGEST_SEQUENCE = 256
_CSI = re.compile(r"\x1b\[([0-?]*)[ -/]*([@-~])")
_SPECIAL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class Terminal:
    """Feed it octets as they come; `lines` are finished ones, `line` is the one that the cursor is on."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._cells: list[str] = []
        self._column = 0
        self._row: int | None = None
        self._pending = ""

    @property
    def line(self) -> str:
        """What stands on the last line now."""
        return without_controls("".join(self._cells)).rstrip()

    def take(self) -> list[str]:
        """The finished lines since the last call."""
        taken, self.lines = self.lines, []
        return taken

    def wipe(self) -> None:
        """Forget the last line: a pager's prompt that has been answered."""
        self._cells.clear()
        self._column = 0

    def feed(self, octets: bytes) -> None:
        """Interpret what came; a sequence cut in two is finished by the next call."""
        text = self._pending + self._decode(octets)
        self._pending = ""
        at = 0
        while at < len(text):
            found = _SPECIAL.search(text, at)
            if found is None:
                self._print(text[at:])
                return
            if found.start() > at:
                self._print(text[at : found.start()])
            at = self._special(text, found.start())

    def _special(self, text: str, at: int) -> int:
        """Obey the control character at this place; the place after it."""
        letter = text[at]
        if letter == "\x1b":
            return self._escape(text, at)
        if letter == "\n":
            self.lines.append(self.line)
            self.wipe()
            self._row = None
        elif letter == "\r":
            self._column = 0
        elif letter == "\b":
            self._column = max(0, self._column - 1)
        return at + 1

    def _escape(self, text: str, at: int) -> int:
        following = text[at + 1 : at + 2]
        if following == "[":
            found = _CSI.match(text, at)
            if found is not None:
                self._obey(found[1], found[2])
                return found.end()
        elif following and following in "]PX^_":
            ends = [end for end in (text.find("\x07", at), text.find("\x1b\\", at + 2)) if end >= 0]
            if ends:
                end = min(ends)
                return end + (1 if text[end] == "\x07" else 2)
        elif following:
            return at + 2
        if len(text) - at > _LONGEST_SEQUENCE:
            return at + 1  # not a sequence: the rest is text
        self._pending = text[at:]
        return len(text)

    def _obey(self, parameters: str, command: str) -> None:
        first = parameters.split(";")[0]
        count = min(int(first), _WIDEST) if first.isascii() and first.isdigit() and len(first) < 6 else 0
        if command == "C":
            self._column = min(self._column + max(1, count), _WIDEST)
        elif command == "D":
            self._column = max(0, self._column - max(1, count))
        elif command == "G":
            self._column = max(0, count - 1)
        elif command == "K":
            self._erase(count)
        elif command == "P":
            del self._cells[self._column : self._column + max(1, count)]
        elif command == "@" and self._column < len(self._cells):
            self._cells[self._column : self._column] = [" "] * max(1, count)
            del self._cells[_WIDEST:]
        elif command == "J":
            self._wipe_screen(count)
        elif command in "Hf":
            self._jump(parameters)

    def _erase(self, part: int) -> None:
        """EL: 0 from the cursor on, 1 up to the cursor, 2 the line."""
        if part == 0:
            del self._cells[self._column :]
        elif part == 1:
            end = min(self._column + 1, len(self._cells))
            self._cells[:end] = [" "] * end
        else:
            self._cells.clear()

    def _wipe_screen(self, part: int) -> None:
        """ED: 0 from the cursor on; else all of it, and what stood on this line is finished."""
        if part == 0:
            del self._cells[self._column :]
        elif self._cells:
            self.lines.append(self.line)
            self.wipe()

    def _jump(self, parameters: str) -> None:
        """CUP: to another row, which finishes this line, or along the same one."""
        numbers = [int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 1 for part in
                   (*parameters.split(";"), "")[:2]]  # fmt: skip
        if numbers[0] != self._row and self._cells:
            self.lines.append(self.line)
            self.wipe()
        self._row = numbers[0]
        self._column = min(max(0, numbers[1] - 1), _WIDEST)

    def _print(self, text: str) -> None:
        room = _WIDEST - self._column
        text = text[:room] if room > 0 else ""
        if not text:
            return
        if self._column > len(self._cells):
            self._cells.extend(" " * (self._column - len(self._cells)))
        self._cells[self._column : self._column + len(text)] = text
        self._column += len(text)
