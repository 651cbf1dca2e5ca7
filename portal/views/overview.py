"""The overview of a tenant: what it has, and what a first build still needs."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from django.urls import reverse

from tenants.actions.overview import Counts
from tenants.compartment import Compartment
from tenants.roles import Permission


@dataclass(frozen=True, slots=True)
class Count:
    words: str
    number: int
    address: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step to a first build; `counted` names the number that tells whether it was done."""

    words: str
    about: str
    verb: str
    name: str
    counted: str
    permission: Permission


@dataclass(frozen=True, slots=True)
class Task:
    step: Step
    address: str
    done: bool
    next: bool


SHOWN: Final = (
    ("Repositories", "repositories", "repositories"),
    ("Parameter sets", "parameter_sets", "parameters"),
    ("SSH keys", "ssh_keys", "ssh-keys"),
    ("Connections", "connections", "connections"),
    ("Unread messages", "unread_messages", "messages"),
)

STEPS: Final = (
    Step(
        "Add a repository",
        "With labels that say what it is: os=linux, team=core.",
        "Add",
        "repositories-new",
        "repositories",
        Permission.REPOSITORIES_WRITE,
    ),
    Step(
        "Add a parameter set",
        "Values, and the labels of the repositories that receive them.",
        "Add",
        "parameters-new",
        "parameter_sets",
        Permission.PARAMETERS_WRITE,
    ),
    Step(
        "Generate or import an SSH key",
        "Its private half leaves only for a build whose repository matches.",
        "Generate",
        "ssh-keys-generate",
        "ssh_keys",
        Permission.SSH_KEYS_WRITE,
    ),
    Step(
        "Connect to another tenant",
        "To send it messages that expire, or to receive some.",
        "Propose",
        "connections-new",
        "connections",
        Permission.CONNECTIONS_WRITE,
    ),
)


def counts_of(compartment: Compartment, counted: Counts) -> list[Count]:
    """Return what the overview counts, in the order of the navigation; builds are counted on the usage page."""
    return [Count(words, attrgetter(number)(counted), _inside(compartment, name)) for words, number, name in SHOWN]


def tasks_of(compartment: Compartment, counted: Counts) -> list[Task]:
    """Return the steps to a first build that this person's role allows; the first undone one is next."""
    allowed = [step for step in STEPS if compartment.may(step.permission)]
    undone = [step for step in allowed if not attrgetter(step.counted)(counted)]
    return [Task(step, _inside(compartment, step.name), step not in undone, undone[:1] == [step]) for step in allowed]


def _inside(compartment: Compartment, name: str) -> str:
    return reverse(name, kwargs={"tenant": compartment.tenant.slug})
