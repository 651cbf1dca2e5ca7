"""Standard input and output: UTF-8 whatever the locale, and what can't be written is told of, with no traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.portal.cli.conftest import PROGRAM, CommandLine

LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Latin-1": {"PYTHONIOENCODING": "latin-1"},
}


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_values_are_utf_8_whatever_the_locale(locale: dict[str, str], cli: CommandLine) -> None:
    def piped(*arguments: str, stdin: str = "") -> str:
        whole = [*PROGRAM, "parameter", *arguments]
        environment = cli.environment(**locale)
        done = subprocess.run(whole, input=stdin.encode(), capture_output=True, env=environment, check=True)
        return done.stdout.decode()

    piped("set", "MARK", "--set", "red", stdin="geheim ✓")
    assert "MARK='geheim ✓'\n" in piped("export", "--set", "red")
    assert "MARK" in piped("find", stdin="geheim ✓\n")


def test_what_is_no_utf_8_is_refused(cli: CommandLine) -> None:
    whole = [*PROGRAM, "parameter", "set", "MARK", "--set", "red"]
    done = subprocess.run(whole, input=b"geheim \xdf", capture_output=True, env=cli.environment(), check=False)
    assert (done.returncode, done.stderr) == (1, b"bulkhead: what was read is no UTF-8 text\n")


def failed_to_write(cli: CommandLine, descriptor: int) -> subprocess.CompletedProcess[bytes]:
    whole = [*PROGRAM, "repository", "list", "--json"]
    with os.fdopen(descriptor, "wb") as target:
        return subprocess.run(whole, stdout=target, stderr=subprocess.PIPE, env=cli.environment(), check=False)


def test_a_reader_that_has_seen_enough_is_told_nothing(cli: CommandLine) -> None:
    source, target = os.pipe()
    os.close(source)
    done = failed_to_write(cli, target)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_told_of(cli: CommandLine) -> None:
    done = failed_to_write(cli, os.open("/dev/full", os.O_WRONLY))
    assert (done.returncode, done.stderr) == (1, b"bulkhead: No space left on device\n")
