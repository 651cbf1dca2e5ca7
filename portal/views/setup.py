"""What a tenant has, and what a first build still needs."""

from __future__ import annotations

from dataclasses import dataclass

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
class Task:
    words: str
    about: str
    verb: str
    address: str
    done: bool
    next: bool


def counts_of(compartment: Compartment, counted: Counts) -> list[Count]:
    """Return what the overview counts, in the order of the navigation."""
    shown = (
        ("repositories", counted.repositories, "repositories"),
        ("parameter sets", counted.parameter_sets, "parameters"),
        ("SSH keys", counted.ssh_keys, "ssh-keys"),
        ("connections", counted.connections, "connections"),
        ("unread messages", counted.unread_messages, "messages"),
    )
    return [Count(words, number, _inside(compartment, name)) for words, number, name in shown]


def tasks_of(compartment: Compartment, counted: Counts) -> list[Task]:
    """Return the steps to a first build that this person's role allows; the first undone one is next."""
    steps = (
        ("Add a repository", "With labels that say what it is: os=linux, team=core.", "Add", "repositories-new", counted.repositories, Permission.REPOSITORIES_WRITE),
        ("Add a parameter set", "Values, and the labels of the repositories that receive them.", "Add", "parameters-new", counted.parameter_sets, Permission.PARAMETERS_WRITE),
        ("Generate or import an SSH key", "Its private half leaves only for a build whose repository matches.", "Generate", "ssh-keys-generate", counted.ssh_keys, Permission.SSH_KEYS_WRITE),
        ("Connect to another tenant", "To send it messages that expire, or to receive some.", "Propose", "connections-new", counted.connections, Permission.CONNECTIONS_WRITE),
    )  # fmt: skip
    allowed = [step for step in steps if compartment.may(step[5])]
    first = next((index for index, step in enumerate(allowed) if not step[4]), None)
    return [
        Task(words, about, verb, _inside(compartment, name), bool(number), index == first)
        for index, (words, about, verb, name, number, _) in enumerate(allowed)
    ]


def _inside(compartment: Compartment, name: str) -> str:
    return reverse(name, kwargs={"tenant": compartment.tenant.slug})
