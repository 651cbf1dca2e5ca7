"""What can keep a stack from starting, said so that a newcomer can act on it."""


class DemoError(Exception):
    """A message for the person at the terminal; never a traceback."""
