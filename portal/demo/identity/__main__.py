"""`python -m portal.demo.identity --port N [--portal URL]`."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys

from portal.demo.identity.configuration import Configuration
from portal.demo.identity.server import build


def main() -> int:
    parser = argparse.ArgumentParser(prog="portal.demo.identity", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0: a free port, printed")
    parser.add_argument("--portal", default="", help="origin that may be returned to; default: any on this machine")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with build(Configuration.from_environment(arguments.portal), arguments.port) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
