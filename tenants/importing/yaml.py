"""YAML files: one mapping of names and texts. Plain values are taken as written: `no` is two letters, 1.10 four.

What is read are the parser's events, so that nothing is ever built: an alias is not followed, a tag constructs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tenants.importing.entries import Entries

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, if it is there: 20 times as fast
_DEEPEST: Final = 16  # the parser's work on a line grows with its depth
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS: Final = frozenset({None, "!", "tag:yaml.org,2002:str"})

# Each %TAG is compared with all before it, and the process waits meanwhile. A line ends where YAML 1.1 says.
_BREAKS: Final = r"\r\n\x85\u2028\u2029"
_DIRECTIVE: Final = re.compile(rf"(?:^|[{_BREAKS}])\ufeff*%")
_LINE: Final = re.compile(rf"\r\n|[{_BREAKS}]")


def read(text: str, entries: Entries) -> None:
    directive = _DIRECTIVE.search(text)
    if directive is not None:
        line = len(_LINE.findall(text, 0, directive.end())) + 1
        entries.refuse(line, "", "A line may not begin with %: directives are not followed.")
        return
    events = yaml.parse(text, Loader=_LOADER)
    try:
        _document(events, entries)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        entries.refuse(mark.line + 1 if mark else 1, "", "This can't be read as YAML from here on.")
    except (yaml.YAMLError, UnicodeEncodeError):  # a character that YAML does not allow
        entries.refuse(1, "", "The file holds a character that YAML does not allow: escape it.")


def _document(events: Iterator[Any], entries: Entries) -> None:
    for event in events:
        if isinstance(event, yaml.MappingStartEvent):
            _members(events, entries)
        elif isinstance(event, yaml.NodeEvent):
            entries.refuse(_line(event), "", "The file must be one mapping of names and values.")
            return
        elif isinstance(event, yaml.DocumentEndEvent):
            break
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            entries.refuse(_line(event), "", "The file must hold one document.")
            return


def _members(events: Iterator[Any], entries: Entries) -> None:
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        line, name = _line(key), key.value if isinstance(key, yaml.ScalarEvent) else ""
        _skip(key, events)
        value = next(events)
        _member(line, name, value, entries)
        _skip(value, events)


def _member(line: int, name: str, value: Any, entries: Entries) -> None:
    if isinstance(value, yaml.AliasEvent):
        entries.refuse(line, name, "Aliases are not followed: write the value out.")
    elif not isinstance(value, yaml.ScalarEvent):
        entries.refuse(line, name, "A value is a text: no mapping and no list.")
    elif value.tag not in _PLAIN_TAGS:
        entries.refuse(line, name, "Tags are not followed: write the value as a text.")
    elif value.implicit[0] and value.value in _NULLS:
        entries.refuse(line, name, 'There is no value: write "" for an empty one.')
    else:
        entries.take(line, name, value.value)


def _skip(event: Any, events: Iterator[Any]) -> None:
    """Pass over the rest of a mapping or list."""
    depth = int(isinstance(event, yaml.CollectionStartEvent))
    while depth:
        inner = next(events)
        depth += isinstance(inner, yaml.CollectionStartEvent) - isinstance(inner, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem_mark=inner.start_mark)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
