"""`run`: exactly the matching parameters, in that process alone."""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.cli import variables
from portal.cli.child import _write
from tenants.actions import parameters
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.cli.conftest import CommandLine, NewCommandLine

DUMP = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]


DANGEROUS = (
    *("PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "IFS", "PYTHONPATH"),
    *("NODE_OPTIONS", "GIT_SSH_COMMAND", "PERL5OPT", "RUBYOPT", "BULKHEAD_PORTAL", "HOME"),
)


def add(household: Household, name: str, value: str = "x") -> None:
    with household.enter() as inside:
        made = parameters.create_set(inside, name=f"set {name}", description="", filters=[])
        parameters.set_parameter(inside, made.id, name=name, value=value)


def test_exactly_what_matches(cli: CommandLine) -> None:
    done = cli.run("run", "--no-mask", "--repository", "acme/api", "--", *DUMP, KEPT="as it was")
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    before = {*cli.environment(), "KEPT"}
    added = {name: value for name, value in got.items() if name not in before and name != "LC_CTYPE"}
    assert added == {"WHO": "blue", "ONLY_BLUE": "geheim ✓\nblue", "ONLY_EVERYONE": "geheim ✓\neveryone"}
    assert got["KEPT"] == "as it was"
    assert "WHO is defined by blue, everyone; the value is that of blue" in done.stderr
    assert "geheim" not in done.stderr


def test_the_other_repository(cli: CommandLine) -> None:
    done = cli.run("run", "--no-mask", "-r", "acme/web", "--", *DUMP)
    assert json.loads(done.stdout)["WHO"] == "red"
    assert "ONLY_BLUE" not in json.loads(done.stdout)


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_commands(code: int, cli: CommandLine) -> None:
    assert cli.run("run", "-r", "acme/api", "--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_the_commands(number: signal.Signals, cli: CommandLine, stocked: Household) -> None:
    """It is handed on, and what the command makes of it is how this ends; the build was cancelled."""
    process = cli.start("run", "-r", "acme/api", "--", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number
    assert [item["outcome"] for item in cli.json("build", "list")] == ["cancelled"]


def test_a_command_that_heeds_a_signal_ends_in_its_own_way(cli: CommandLine) -> None:
    script = "trap 'echo tidied; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
    process = cli.start("run", "-r", "acme/api", "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[0] == "tidied\n"
    assert process.returncode == 7


def test_what_is_printed_is_masked(cli: CommandLine) -> None:
    """On both outputs, encoded too, and the values of the trigger as well."""
    script = 'echo "[$WHO]"; printenv ONLY_BLUE >&2; printf %s "$EXTRA" | base64; printf %s "$EXTRA" >&2'
    done = cli.run("run", "-r", "acme/api", "--override", "EXTRA=mitgebrachtes", "--", "sh", "-c", script)
    assert done.stdout == "[***]\n***\n"
    assert done.stderr.endswith("***\n***\n***")
    assert "geheim" not in done.stdout + done.stderr


def test_a_value_is_masked_whatever_the_locale(cli: CommandLine) -> None:
    """The command gets the bytes that are stored, and those are what is looked for in its output."""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = cli.start("run", "-r", "acme/api", "--", "printenv", "ONLY_BLUE", **plain)
    assert process.communicate(timeout=60)[0] == "***\n***\n"
    assert process.returncode == 0


def test_an_output_that_does_not_wait_loses_nothing() -> None:
    source, target = os.pipe()
    os.set_blocking(target, False)

    def write() -> None:
        with os.fdopen(target, "wb"):
            _write(target, b"x" * 2**20)

    with ThreadPoolExecutor(1) as threads, os.fdopen(source, "rb") as read:
        written = threads.submit(write)
        assert read.read() == b"x" * 2**20
        written.result(60)


def test_what_outlives_the_command_does_not_hold_it_up(cli: CommandLine) -> None:
    done = cli.run("run", "-r", "acme/api", "--", "sh", "-c", "sleep 30 & echo over")
    assert (done.returncode, done.stdout) == (0, "over\n")


def test_what_outlives_the_command_and_never_stops_writing_is_left_when_told_to_end(cli: CommandLine) -> None:
    left = "while kill -0 $$ 2>/dev/null; do sleep 0.05; done; while echo left; do sleep 0.05; done"
    process = cli.start("run", "-r", "acme/api", "--", "sh", "-c", f"({left}) & exit 3")
    assert process.stdout is not None
    assert process.stdout.readline() == "left\n", "the command has ended"
    process.terminate()
    try:
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 3
    assert [item["outcome"] for item in cli.json("build", "list")] != ["running"]


def test_a_reader_that_is_gone_ends_the_command(cli: CommandLine) -> None:
    process = cli.start("run", "-r", "acme/api", "--", "yes")
    assert process.stdout is not None
    assert process.stdout.readline() == "y\n"
    process.stdout.close()
    assert process.wait(timeout=60) in {1, -signal.SIGPIPE}
    assert process.stderr is not None
    process.stderr.close()


def test_the_triggers_own_parameters(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("two\nlines\n")
    own = ("--override", "WHO=me", "--override", f"FILE=@{tmp_path}/value")
    done = cli.run("run", "--no-mask", "-r", "acme/api", *own, "--", "printenv", "WHO", "FILE")
    assert done.stdout == "me\ntwo\nlines\n"
    assert "WHO is defined by" not in done.stderr
    assert cli.run("run", "-r", "acme/api", "--override", "WHO", "--", "true").returncode == 2
    assert cli.run("run", "-r", "acme/api", "--override", "WHO=@/nowhere", "--", "true").returncode == 1


def test_each_run_is_a_build_that_ends(cli: CommandLine) -> None:
    cli.run("run", "-r", "acme/api", "--revision", "main", "--", "true")
    cli.run("run", "-r", "acme/api", "--", "false")
    cli.run("run", "-r", "acme/api", "--", "/no/such/program")
    listed = cli.json("build", "list")
    assert [item["outcome"] for item in listed] == ["failed", "failed", "succeeded"]
    assert listed[2]["revision"] == "main"
    assert listed[2]["id"] in cli.run("build", "list").stdout


def test_the_keys_that_match_are_in_an_agent(cli: CommandLine) -> None:
    script = "ssh-add -L; test -S $SSH_AUTH_SOCK && echo $SSH_AUTH_SOCK"
    done = cli.run("run", "-r", "acme/api", "--ssh-agent", "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    key, socket = done.stdout.splitlines()
    assert key.startswith("ssh-ed25519 ")
    assert not Path(socket).exists()
    assert "ssh-ed25519" not in cli.run("run", "-r", "acme/web", "--ssh-agent", "--", "ssh-add", "-L").stdout


def test_a_build_whose_command_is_gone_can_be_ended(cli: CommandLine) -> None:
    process = cli.start("run", "-r", "acme/api", "--", "sh", "-c", "echo ready; exec sleep 5")
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=60)
    [left] = cli.json("build", "list")
    assert left["outcome"] == "running"
    assert cli.json("build", "end", left["id"])["outcome"] == "cancelled"


def test_what_is_not_there_is_named(cli: CommandLine) -> None:
    for command in (("run", "-r", "nope", "--", "true"), ("parameter", "export", "-r", "nope")):
        done = cli.run(*command)
        assert done.returncode == 4
        assert "there is no repository nope in " in done.stderr


def test_standard_input_is_the_commands(cli: CommandLine) -> None:
    assert cli.run("run", "-r", "acme/api", "--", "cat", stdin="handed on").stdout == "handed on"


def test_options_after_the_command_are_its_own(cli: CommandLine) -> None:
    assert cli.run("run", "-r", "acme/api", "echo", "--help", "-r").stdout == "--help -r\n"


@pytest.mark.parametrize(("command", "code"), [("/no/such/program", 127), ("/etc/passwd", 126)])
def test_a_command_that_can_not_start(command: str, code: int, cli: CommandLine) -> None:
    assert cli.run("run", "-r", "acme/api", "--", command).returncode == code


def test_names_that_programs_act_on_stop_everything(cli: CommandLine, stocked: Household) -> None:
    for name in DANGEROUS:
        add(stocked, name)
    done = cli.run("run", "-r", "acme/api", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (1, "")
    assert all(f"--allow-override {name}" in done.stderr for name in DANGEROUS)


def test_such_a_name_can_be_allowed(cli: CommandLine, stocked: Household) -> None:
    add(stocked, "PYTHONPATH", "/nowhere")
    add(stocked, "LD_PRELOAD")
    allowed = ("--allow-override", "PYTHONPATH")
    assert cli.run("run", "-r", "acme/api", *allowed, "--", "true").returncode == 1
    done = cli.run(
        "run", "--no-mask", "-r", "acme/web", *allowed, "--allow-override", "LD_PRELOAD", "--", "printenv", "PYTHONPATH"
    )
    assert done.stdout == "/nowhere\n"


def test_what_the_caller_has_set_stays(cli: CommandLine) -> None:
    done = cli.run("run", "-r", "acme/api", "--", "echo", "ran", WHO="me")
    assert (done.returncode, done.stdout) == (1, "")
    assert "WHO is set here to another value" in done.stderr
    assert "blue" not in done.stderr
    assert cli.run("run", "--no-mask", "-r", "acme/api", "--", "printenv", "WHO", WHO="blue").stdout == "blue\n"
    allowed = ("--allow-override", "WHO")
    assert cli.run("run", "--no-mask", "-r", "acme/api", *allowed, "--", "printenv", "WHO", WHO="me").stdout == "blue\n"


FAMILIES = (
    *("TAR_OPTIONS", "MAKEFLAGS", "LESSOPEN", "LESSCLOSE", "GIT_DIR", "GIT_PAGER", "GIT_CONFIG_KEY_0", "MANPAGER"),
    *("PAGER", "RSYNC_RSH", "GOFLAGS", "GOPROXY", "RUSTC_WRAPPER", "RUSTFLAGS", "npm_config_registry", "PIP_INDEX_URL"),
    *("UV_INDEX_URL", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("NODE_EXTRA_CA_CERTS", "MAVEN_OPTS", "CLASSPATH", "DOTNET_STARTUP_HOOKS", "LUA_INIT", "LUA_INIT_5_4", "SHELL"),
    *("BROWSER", "ZDOTDIR", "KUBECONFIG", "AWS_CONFIG_FILE", "GLIBC_TUNABLES", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"),
    *("REQUESTS_CA_BUNDLE", "KUBE_EDITOR", "SUDO_ASKPASS", "BASH_FUNC_ls", "Path", "XDG_DATA_HOME", "CARGO_HOME"),
    *("GOCACHEPROG", "GOAUTH", "GOCACHE", "KUBECTL_EXTERNAL_DIFF", "CCACHE_PREFIX", "VIMINIT", "EXINIT", "AWKLIBPATH"),
    *("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "SSH_SK_PROVIDER", "SSH_ASKPASS_REQUIRE", "SSH_PKCS11_HELPER", "NIX_CONFIG"),
    *("CARGO_REGISTRIES_OURS_INDEX", "CARGO_REGISTRY_CREDENTIAL_PROVIDER", "CARGO_SOURCE_CRATES_IO_REPLACE_WITH"),
    *("BUNDLE_MIRROR__ALL", "COMPOSE_FILE", "CONTAINER_HOST", "BUILDKIT_HOST", "KRB5_CONFIG", "NIX_SSHOPTS"),
    *("TEXMFCNF", "HELM_PLUGINS", "HELM_KUBEAPISERVER", "POETRY_REPOSITORIES_OURS_URL", "BORG_RSH", "BORG_PASSCOMMAND"),
)
ORDINARY = (
    *(
        "SSH_KEY",
        "GO_TOKEN",
        "GOOGLE_API_KEY",
        "CARGO_REGISTRIES_OURS_TOKEN",
        "POETRY_PYPI_TOKEN_PYPI",
        "HELM_PASSWORD",
    ),
    *("POETRY_HTTP_BASIC_OURS_PASSWORD", "NIX_SIGNING_KEY", "KRB5_PASSWORD", "BUNDLE_GITHUB__COM", "HELM_KUBETOKEN"),
    *("COMPOSE_PROJECT_NAME", "CONTAINER_REGISTRY_PASSWORD", "PYTEST_TOKEN", "SSH_KNOWN_HOSTS", "OPENAI_API_KEY"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "DATABASE_URL", "GITHUB_TOKEN", "NPM_TOKEN"),
    *("CARGO_REGISTRY_TOKEN", "DOCKER_PASSWORD", "FEATURE_FLAGS", "SSH_PRIVATE_KEY", "PATHS", "APP_ENV", "NODE_ENV"),
    *(
        "GOOGLE_CREDENTIALS",
        "TF_VAR_region",
        "YARN_NPM_AUTH_TOKEN",
        "RAILS_MASTER_KEY",
        "HOMEPAGE",
        "ARTIFACT",
        "CCACHE",
    ),
)


def test_families_of_names_are_known_in_either_case() -> None:
    assert [name for name in (*DANGEROUS, *FAMILIES) if not variables.DANGEROUS.fullmatch(name)] == []
    assert [name for name in FAMILIES if not variables.DANGEROUS.fullmatch(name.swapcase())] == []
    assert [name for name in ORDINARY if variables.DANGEROUS.fullmatch(name)] == []


def test_a_repository_that_is_not_there(cli: CommandLine) -> None:
    done = cli.run("run", "-r", "none", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (4, "")


def test_an_auditor_may_not(stocked: Household, new_person: NewPerson, new_cli: NewCommandLine) -> None:
    auditor = new_cli(stocked, stocked.join(new_person(), Role.AUDITOR))
    done = auditor.run("run", "-r", "acme/api", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (4, "")
    assert "builds:start" in done.stderr


@pytest.mark.parametrize("arguments", [["run"], ["run", "--", "true"], ["run", "-r", "acme/api"]])
def test_wrong_usage(arguments: list[str], cli: CommandLine) -> None:
    assert cli.run(*arguments).returncode == 2
