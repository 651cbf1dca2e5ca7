"""The smoke test itself: it passes on a sound portal, and fails, saying what it saw, on one that isn't."""

import os
import re
import secrets
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from portal.demo.embedded import Stack
from portal.demo.processes import PYTHON
from portal.demo.running import Portal
from portal.demo.smoke import __main__ as smoke
from portal.demo.smoke.api import Api
from portal.demo.smoke.browser import Browser, Form, Page, PageError
from portal.demo.smoke.job import ELSEWHERE, Job
from portal.demo.smoke.people import SandboxOwner
from portal.demo.smoke.report import Report, StepError, expect, until
from portal.demo.smoke.terminal import CODE, Terminal

TTL = 30  # seconds: on a busy machine three command lines, after which the message must still be there to be read

PAGE = """<!doctype html><h1>Add <em>it</em></h1>
<form method="post" action="/sign-out/"><input type="hidden" name="token" value="1"></form>
<form method="post"><input type="hidden" name="token" value="2"><input name="name" value="Müller &amp; Co">
<input type="radio" name="way" value="a"><input type="radio" name="way" value="b" checked>
<input type="checkbox" name="off"><input type="submit" name="go" value="Go">
<textarea name="labels">os=linux</textarea>
<select name="ttl"><option value="5">5</option><option value="60" selected>60</option></select>
<select name="to"><option value="first">first</option><option value="second">second</option></select>
<p class="error"><span>Error:</span> Name: write one.</p></form>"""


class Answer:
    """What httpx would hand over, as far as a page reads it."""

    status_code, url, text = 422, "http://127.0.0.1/x", PAGE
    headers = {"Content-Type": "text/html; charset=utf-8"}  # noqa: RUF012 - nobody changes it


def test_a_page_is_read_as_a_browser_would_submit_it() -> None:
    page = Page.of(Answer())  # type: ignore[arg-type]  # the four attributes are all it reads
    assert page.form(having="labels") == Form(
        "",
        "post",
        {
            "token": "2",
            "name": "Müller & Co",
            "way": "b",
            "labels": "os=linux",
            "ttl": "60",
            "to": "first",
        },
    )
    assert page.form(action="/sign-out/").fields == {"token": "1"}
    assert page.errors == "Error: Name: write one."
    with pytest.raises(PageError, match="has no form payload"):
        page.form(having="payload")


def test_a_step_that_never_comes_true_says_what_was_missing() -> None:
    with pytest.raises(StepError, match="nothing came within 0 s"):
        until(lambda: False, "nothing came", seconds=0)


def test_a_failure_names_the_step_and_where_the_logs_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    with pytest.raises(StepError) as caught, report.step("read it"):
        expect(condition=False, otherwise="it was not there")
    report.failed(caught.value, logs=tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "FAIL read it: it was not there"
    assert lines[1].endswith(str(tmp_path))
    assert lines[2].startswith("main job: failed after ")


def sweep(stack: Stack) -> None:
    """Have the worker sweep now: in tests beat ticks rarely."""
    command = [PYTHON, "-m", "celery", "-A", "portal.celery", "call", "tenants.tasks.sweep"]
    subprocess.run(command, env={**os.environ, **stack.environment("worker")}, check=True, capture_output=True)


@pytest.mark.usefixtures("no_backlog")
def test_the_main_job_on_a_running_portal(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BULKHEAD_CONFIG_DIR", "")  # so that the smoke test's own is gone afterwards
    report = Report()
    terminal = Terminal(tmp_path, portal.stack.base_url)
    terminal.environment.update({name: os.environ[name] for name in os.environ if name.startswith("COVERAGE_")})
    sender, receiver = (f"smoke-{secrets.token_hex(4)}" for _ in range(2))

    def is_gone(message_id: str) -> bool:
        sweep(portal.stack)
        return smoke.is_gone(portal.stack, message_id)

    with closing(Browser(portal.stack.base_url)) as browser, closing(Api(terminal)) as api:
        owner = SandboxOwner(browser, report)
        owner.sign_in("owner")
        Job(owner, terminal, api, report, sender, receiver, ttl=TTL, is_gone=is_gone).run()
    report.passed()
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert "skip" not in said
    assert re.fullmatch(r"main job: ok in [\d.]+ s", said.splitlines()[-1])


@pytest.mark.usefixtures("no_backlog")
def test_a_portal_elsewhere_leaves_three_things_to_the_person(portal: Portal) -> None:
    """Signing in, the tenants and the approvals; and the verdict names what could not be seen from outside."""
    receiver, sender = slugs = tuple(f"smoke-{secrets.token_hex(4)}" for _ in range(2))
    options = ["--base-url", portal.stack.base_url, "--tenant", sender, "--second-tenant", receiver, "--ttl", str(TTL)]
    with closing(Browser(portal.stack.base_url)) as browser:
        owner = SandboxOwner(browser, Report())
        owner.sign_in("owner")
        owner.create_tenants((sender, receiver))
        command = [PYTHON, "-u", "-m", "portal.demo.smoke", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as smoked:
            assert smoked.stdout is not None
            said, waiting = [], list(slugs)
            for line in smoked.stdout:
                said.append(line)
                if code := CODE.search(line):
                    owner.approve(waiting.pop(0), code[0])
    assert smoked.returncode == 0, "".join(said)
    skipped = "its content is gone from the database"
    assert [line for line in said if line.startswith("skip")] == [f"skip {skipped}: {ELSEWHERE}\n"]
    assert re.fullmatch(rf"main job: ok in [\d.]+ s \(skipped: {skipped}\)\n", said[-1])


@pytest.mark.parametrize(
    ("error", "traced"),
    [
        (subprocess.TimeoutExpired(["bulkhead"], 60), True),
        (KeyError("id"), True),
        (StopIteration(), True),
        (ValueError("no JSON"), True),
        (StepError("it was not there"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_goes_wrong_there_is_a_verdict(
    error: BaseException, traced: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def drive(_arguments: object, report: Report, _directory: Path) -> None:
        with report.step("read it"):
            raise error

    monkeypatch.setattr(smoke, "_on_a_stack_of_its_own", drive)
    monkeypatch.setattr("sys.argv", ["smoke"])
    assert smoke.main() == 1
    said = capsys.readouterr()
    assert re.fullmatch(r"main job: failed after [\d.]+ s", said.out.splitlines()[-1])
    assert said.out.startswith(f"FAIL read it: {str(error) or type(error).__name__}")
    assert ("Traceback" in said.err) == traced


def test_a_command_that_hangs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.demo.smoke.terminal.BULKHEAD", "/bin/sleep")
    monkeypatch.setattr("portal.demo.smoke.terminal.PATIENCE", 0.1)
    with pytest.raises(StepError, match=r"bulkhead 5 takes longer than 0\.1 s"):
        Terminal(tmp_path, "http://127.0.0.1:9").run("5")


def test_a_portal_out_of_reach_fails_with_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BULKHEAD_CONFIG_DIR", "")
    monkeypatch.setattr("sys.argv", ["smoke", "--base-url", "http://127.0.0.1:9"])
    assert smoke.main() == 1
    said = capsys.readouterr().out
    assert "FAIL bulkhead login, approved by you for northwind: bulkhead login failed" in said
    assert said.splitlines()[-1].startswith("main job: failed after ")
