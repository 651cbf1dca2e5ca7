r"""`.env` files, as shells, Docker Compose and the dotenv libraries all understand them.

    # a comment                       export NAME=value # a comment after white space
    NAME='as it stands'               NAME="escapes: \n \r \t \" \\ \$ \`, others as they stand"

Quoted values may span lines. Nothing is expanded: `$HOME` is five characters. A reader of our own, because the
libraries differ over backslashes (python-dotenv can't hold a quoted value that ends in one) and pass over bad lines.
"""

from __future__ import annotations

import re
from typing import Final

from tenants.importing.entries import Entries

_EMPTY: Final = re.compile(r"[ \t]*+(?:#[^\n]*+)?(?:\n|\Z)")
_NAME: Final = re.compile(r"[ \t]*+(?:export[ \t]++)?([^\s=#'\"]++)[ \t]*+=")
_QUOTED: Final = re.compile(r"[ \t]*+(?:'([^']*+)'|\"((?:[^\"\\]|\\.)*+)\")", re.DOTALL)
_OPENED: Final = re.compile(r"[ \t]*+['\"]")
_REST: Final = re.compile(r"[^\n]*+\n?")
_COMMENT: Final = re.compile(r"[ \t]#.*", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}


def read(text: str, entries: Entries) -> None:
    position, line = 0, 1
    while position < len(text):
        end = _line(text, position, line, entries)
        line += text.count("\n", position, end)
        position = end


def _line(text: str, position: int, line: int, entries: Entries) -> int:
    """Read one line, or the several of a quoted value; return where the next begins."""
    if empty := _EMPTY.match(text, position):
        return empty.end()
    name = _NAME.match(text, position)
    if name is None:
        entries.refuse(line, "", "Write NAME=value, or a comment that begins with #.")
        return _rest(text, position)[1]
    quoted = _QUOTED.match(text, name.end())
    if quoted is None and _OPENED.match(text, name.end()):
        entries.refuse(line, name[1], "The quote is never closed.")
        return _rest(text, name.end())[1]
    rest, end = _rest(text, quoted.end() if quoted else name.end())
    if quoted is None:
        entries.take(line, name[1], _COMMENT.sub("", rest).strip(" \t"))
    elif _COMMENT.sub("", rest).strip(" \t"):
        entries.refuse(line, name[1], "Nothing but a comment can follow the closing quote.")
    else:
        entries.take(line, name[1], _unescaped(quoted[2]) if quoted[1] is None else quoted[1])
    return end


def _rest(text: str, position: int) -> tuple[str, int]:
    rest = _REST.match(text, position)
    return (rest[0].removesuffix("\n"), rest.end()) if rest else ("", len(text))


def _unescaped(quoted: str) -> str:
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[0]), quoted)
