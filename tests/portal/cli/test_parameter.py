"""`parameter`: sets come and go, values come in from files and go out to files, and nothing else shows them."""

from __future__ import annotations

import json
from pathlib import Path

from tenants.records.models import AuditRow, Parameter, ParameterSet
from tests.conftest import Household
from tests.portal.cli.conftest import CommandLine

VALUE = "geheim 'quoted' \\ $HOME\nsecond line"


def test_a_set_of_ones_own(cli: CommandLine) -> None:
    made = cli.json("parameter", "create", "mine", "--filter", "team=blue", "--description", "For deploying")
    assert made["filters"] == [[{"name": "team", "value": "blue"}]]
    assert cli.run("parameter", "create", "other").returncode == 2
    file = cli.home / "kube.config"
    file.write_text("geheim file\n")
    done = cli.run("parameter", "set", "F", "--set", "mine", "--file", str(file), "--expires", "2020-01-01")
    assert done.returncode == 0, done.stderr
    [expired] = cli.json("parameter", "expiring")
    assert (expired["set_name"], expired["name"], expired["expires_on"]) == ("mine", "F", "2020-01-01")
    assert "mine" in cli.run("parameter", "search", "deploying").stdout
    found = cli.run("parameter", "find", stdin="geheim file\n\n")
    assert "in force" in found.stdout
    assert "geheim" not in found.stdout + found.stderr


def test_who_gets_it_is_said_and_changed(cli: CommandLine) -> None:
    seen = cli.json("parameter", "reach", "--set", "blue", "--filter", "team=red")
    assert {each["name"]: (each["gains"], each["loses"]) for each in seen["repositories"]} == {
        "acme/api": ([], ["ONLY_BLUE"]),
        "acme/web": (["ONLY_BLUE"], []),
    }
    assert "ONLY_BLUE" in cli.run("parameter", "reach", "--set", "blue", "--filter", "team=red").stdout
    assert cli.json("parameter", "reach", "--filter", "team=red")["matches"] == ["acme/web"]
    assert cli.run("parameter", "reach", "--set", "blue").returncode == 2
    assert cli.run("parameter", "change", "--set", "blue").returncode == 2
    changed = cli.json("parameter", "change", "--set", "blue", "--filter", "team=red")
    assert (changed["name"], changed["filters"]) == ("blue", [[{"name": "team", "value": "red"}]])
    renamed = cli.run("parameter", "change", "--set", "blue", "--rename", "azure", "--every-repository")
    assert "builds of every repository receive this" in renamed.stderr
    noted = cli.json("parameter", "describe", "WHO", "--set", "azure", "--expires", "2020-01-01")
    assert (noted["expires_on"], noted["version"]) == ("2020-01-01", 1)
    noted = cli.json("parameter", "describe", "WHO", "--set", "azure", "--description", "who", "--never-expires")
    assert (noted["expires_on"], noted["description"]) == (None, "who")


def test_what_names_would_change_is_said_before(cli: CommandLine, stocked: Household) -> None:
    seen = cli.json("parameter", "reach", "--set", "blue", "--add", "ONLY_EVERYONE", "--delete", "ONLY_BLUE")
    [api] = seen["repositories"]
    assert (api["name"], api["gains"], api["loses"]) == ("acme/api", [], ["ONLY_BLUE"])
    assert api["switches"] == [{"name": "ONLY_EVERYONE", "before": "everyone", "after": "blue"}]
    assert cli.run("parameter", "reach", "--add", "NEW").returncode == 2
    assert cli.run("parameter", "reach", "--set", "blue", "--add", "NEW", "--filter", "team=red").returncode == 2
    assert cli.run("parameter", "reach", "--set", "blue", "--delete", "NEW").returncode == 4
    # No value is asked for: standard input stays as it is.
    looked = cli.run("parameter", "set", "ONLY_EVERYONE", "--set", "blue", "--dry-run")
    assert "ONLY_EVERYONE: blue over everyone" in looked.stdout
    assert "already" in cli.run("parameter", "set", "WHO", "--set", "blue", "--dry-run").stderr
    assert "WHO from everyone, not blue" in cli.run("parameter", "delete", "WHO", "--set", "blue", "--dry-run").stdout
    [api] = cli.json("parameter", "delete", "--set", "blue", "--dry-run")["repositories"]
    assert (api["loses"], [each["name"] for each in api["switches"]]) == (["ONLY_BLUE"], ["WHO"])
    with stocked.enter():
        assert Parameter.objects.filter(set__name="blue", deleted_at=None).count() == 2


def test_what_became_of_a_value(cli: CommandLine) -> None:
    done = cli.run("parameter", "set", "WHO", "--set", "blue", "--reason", "It leaked", stdin="geheim")
    assert done.returncode == 0, done.stderr
    second, first = cli.json("parameter", "history", "WHO", "--set", "blue")
    assert (second["reason"], first["version"], first["in_force"]) == ("It leaked", 1, False)
    assert cli.json("parameter", "rollback", "WHO", "--set", "blue", "--version", "1")["version"] == 3
    assert cli.run("parameter", "delete", "WHO", "--set", "blue").returncode == 0
    assert cli.run("parameter", "delete", "WHO", "--set", "blue").returncode == 4
    assert cli.run("parameter", "delete", "--set", "blue", stdin="n\n").returncode == 1
    assert cli.run("parameter", "delete", "--set", "blue", "--yes").returncode == 0
    assert cli.json("parameter", "restore", "--set", "blue")["name"] == "blue"
    assert cli.json("parameter", "restore", "WHO", "--set", "blue")["version"] == 3


def test_what_restoring_and_going_back_would_change_is_said_before(cli: CommandLine, stocked: Household) -> None:
    """And what would refuse them; none of it changes anything."""
    go_back = ("parameter", "rollback", "WHO", "--set", "blue", "--dry-run", "--version")
    assert cli.run(*go_back, "1").returncode == 1, "it is in force"
    assert cli.run("parameter", "set", "WHO", "--set", "blue", stdin="geheim").returncode == 0
    assert "another value, for the same builds" in cli.run(*go_back, "1").stderr
    assert (cli.json(*go_back, "1")["same"], cli.json(*go_back, "1")["repositories"]) == (False, [])
    assert cli.run(*go_back, "9").returncode == 4
    one, whole = (("parameter", "restore", *name, "--set", "blue", "--dry-run") for name in (["WHO"], []))
    assert (cli.run(*one).returncode, cli.run(*whole).returncode) == (4, 4), "nothing is deleted"
    assert cli.run("parameter", "delete", "WHO", "--set", "blue").returncode == 0
    assert "WHO: blue over everyone" in cli.run(*one).stdout
    assert cli.run("parameter", "delete", "--set", "blue", "--yes").returncode == 0
    assert "ONLY_BLUE" in cli.run(*whole).stdout
    [api] = cli.json(*whole)["repositories"]
    assert (api["name"], api["gains"], api["loses"], api["switches"]) == ("acme/api", ["ONLY_BLUE"], [], [])
    with stocked.enter():
        assert not ParameterSet.objects.filter(name="blue", deleted_at=None).exists()
    assert cli.run("parameter", "create", "blue", "--every-repository").returncode == 0
    assert cli.run(*whole).returncode == 1, "another set has its name"
    assert cli.run("parameter", "set", "WHO", "--set", "red", stdin="geheim").returncode == 0
    assert cli.run("parameter", "delete", "WHO", "--set", "red").returncode == 0
    assert cli.run("parameter", "set", "WHO", "--set", "red", stdin="geheim").returncode == 0
    refused = cli.run("parameter", "restore", "WHO", "--set", "red", "--dry-run")
    assert (refused.returncode, "another WHO is there now" in refused.stderr) == (1, True)


def test_a_file_in_and_out(cli: CommandLine, stocked: Household) -> None:
    source = cli.home / ".env"
    source.write_text(f"WHO=blue\nONLY_BLUE='changed geheim'\nADDED=\"{VALUE}\"\n")
    looked = cli.json("parameter", "import", str(source), "--set", "blue", "--dry-run")
    nothing: dict[str, list[str]] = {"loses": [], "switches": [], "conflicts": []}
    reached = {"repositories": [{"name": "acme/api", "gains": ["ADDED"], **nothing}], "more": 0}
    assert looked == {"added": ["ADDED"], "changed": ["ONLY_BLUE"], "unchanged": ["WHO"], "refused": [], **reached}
    done = cli.run("parameter", "import", str(source), "--set", "blue", "--reason", "Moved")
    assert done.returncode == 0, done.stderr
    assert "geheim" not in done.stdout + done.stderr
    for form in ("dotenv", "json", "yaml"):
        exported = cli.run("parameter", "export", "--set", "blue", "--format", form)
        assert exported.returncode == 0, exported.stderr
        path = cli.home / f"out.{form}"
        path.write_text(exported.stdout)
    again = cli.json("parameter", "import", str(cli.home / "out.yaml"), "--set", "blue", "--dry-run")
    assert again["unchanged"] == ["ADDED", "ONLY_BLUE", "WHO"]
    values = json.loads(cli.run("parameter", "export", "-r", "acme/api", "--format", "json").stdout)
    assert (values["ADDED"], values["ONLY_EVERYONE"]) == (VALUE, "geheim ✓\neveryone")
    with stocked.enter():
        acts = [json.loads(row.entry)["action"] for row in AuditRow.objects.all()]
    assert acts.count("parameters.exported") == 3
    assert cli.run("parameter", "export").returncode == 2


def test_a_bad_line_is_shown_without_its_value(cli: CommandLine, stocked: Household, tmp_path: Path) -> None:
    done = cli.run("parameter", "import", "-", "--set", "blue", stdin="GOOD=1\ngeheim words\nGOOD=2\n")
    assert done.returncode == 1
    assert "2" in done.stdout
    assert "comes twice" in done.stdout
    assert "geheim" not in done.stdout + done.stderr
    assert cli.run("parameter", "import", str(tmp_path / "none"), "--set", "blue").returncode == 1
    with stocked.enter():
        assert not Parameter.objects.filter(name="GOOD").exists()
