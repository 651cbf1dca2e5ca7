"""What would be seen of a key, were it to get out."""

import base64
import traceback


def shown(error: BaseException) -> str:
    """All that a debug page or an error tracker would show: the chain of errors and each frame's local variables."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(error) + repr(error.args)


def shows(text: str, secret: bytes) -> bool:
    """Whether a text holds the secret in one of its usual spellings."""
    standard, urlsafe = base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()
    spellings = (repr(secret)[2:-1], secret.hex(), standard.rstrip("="), urlsafe.rstrip("="))
    return any(spelling in text for spelling in spellings)
