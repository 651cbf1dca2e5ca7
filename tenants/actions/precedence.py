"""Which of two sets wins a name that both define, for one repository: the more specific filter, then the newer set."""

from __future__ import annotations

from typing import Final

# What sorts the sets `s` that match the repository `r` in a query, the winner first.
WINS_FIRST: Final = """(
    SELECT coalesce(max(jsonb_array_length(alternative)), 0) FROM jsonb_array_elements(s.filters) AS alternative
    WHERE r.labels @> alternative) DESC, s.created_at DESC, s.id DESC"""
