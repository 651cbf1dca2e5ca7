"""Everything `make demo` starts: servers, processes, and what ties their lives together."""
