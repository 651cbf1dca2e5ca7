"""The requests: what a tenant's people do all day, and what goes wrong meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError, connections, transaction

from tenants.actions import audit, messages, parameters, repositories
from tenants.databases.base import close_compartments
from tenants.errors import Invalid
from tenants.pagination import PageRequest
from tenants.queue import wake
from tenants.records.models import Repository
from tests.tenants.load.visitor import Visitor

_PAGE: Final = PageRequest(size=20)
_executor: Final = ThreadPoolExecutor(4)


class Boom(Exception):  # noqa: N818 - what a bug would raise
    pass


def _break() -> None:
    raise Boom


def read(visitor: Visitor) -> None:
    with visitor.enter() as inside:
        page = repositories.list_repositories(inside, _PAGE)
        visitor.check(row.name for row in page.items)
        visitor.check_session()


def create(visitor: Visitor) -> None:
    with visitor.enter() as inside:
        row = repositories.create_repository(inside, name=visitor.new_name(), url="", labels=[("of", visitor.slug)])
        visitor.check([repositories.get_repository(inside, row.id).name])


def set_and_reveal(visitor: Visitor) -> None:
    name = visitor.new_name()
    with visitor.enter() as inside:
        repositories.create_repository(inside, name=name, url="", labels=[("only", name)])
        parameter_set = parameters.create_set(inside, name=name, description=visitor.slug, filters=[[("only", name)]])
        parameters.set_parameter(inside, parameter_set.id, name="SECRET", value=f"{visitor.slug} secret")
    with visitor.enter() as inside:
        visitor.check(parameters.reveal_environment(inside, name).values.values())
        visitor.check(row.name for row in parameters.list_sets(inside, _PAGE).items)


def send_and_read(visitor: Visitor) -> None:
    with visitor.enter() as inside:
        payload = f'"{visitor.other} gets this"'
        messages.send_message(inside, to=visitor.other, payload=payload, ttl=86400)
        visitor.check(visitor.slug for row in messages.list_sent(inside, _PAGE).items if row.peer == visitor.other)
        arrived = messages.list_inbox(inside, _PAGE).items
        for row in arrived[:1]:
            visitor.check([messages.read_message(inside, row.id).text.strip('"')])
    wake("sweep")


def roll_back(visitor: Visitor) -> None:
    undone, kept = visitor.new_name(), visitor.new_name()
    with visitor.enter() as inside, inside.transaction():
        Repository.objects.create(name=kept, url="", labels=[])
        try:
            with inside.transaction():
                Repository.objects.create(name=undone, url="", labels=[])
                _break()
        except Boom:
            pass
        visitor.check(Repository.objects.filter(name__in=[undone, kept]).values_list("name", flat=True))
        visitor.check_session()
    with visitor.enter():
        if Repository.objects.filter(name=undone).exists():
            visitor.findings.errors.append("a rolled-back row is there")


def collide(visitor: Visitor) -> None:
    name = visitor.new_name()
    with visitor.enter() as inside:
        repositories.create_repository(inside, name=name, url="", labels=[])
        for make in (partial(repositories.create_repository, inside), Repository.objects.create):
            try:
                make(name=name, url="", labels=[])
            except (Invalid, IntegrityError):
                continue
            visitor.findings.errors.append("a name was taken twice")
        visitor.check(Repository.objects.filter(name=name).values_list("name", flat=True))


def time_out(visitor: Visitor) -> None:
    with visitor.enter() as inside:
        try:
            with inside.transaction(), connections[inside.alias].cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(1)")
        except OperationalError:
            visitor.check_session()
        else:
            visitor.findings.errors.append("a statement was not ended in time")


def fail(visitor: Visitor) -> None:
    name = visitor.new_name()
    try:
        with visitor.enter() as inside, inside.transaction():
            Repository.objects.create(name=name, url="", labels=[])
            _break()
    except Boom:
        visitor.require_outside()
    with visitor.enter():
        visitor.check(Repository.objects.values_list("name", flat=True)[:10])


def nest(visitor: Visitor) -> None:
    """Enter a neighbour from inside, in the midst of a transaction that is rolled back.

    Nothing of the product does that in a transaction; here it is always the same one of the two that goes to the other.
    Behind a pooler each would else hold its own tenant's servers and wait for one of the other's.
    """
    first, neighbour = sorted(Visitor.pair(visitor.findings, visitor.slug, visitor.other), key=lambda each: each.slug)
    with first.enter() as outer, outer.transaction():
        Repository.objects.create(name=first.new_name(), url="", labels=[])
        with neighbour.enter() as inner, transaction.atomic(using=inner.alias):
            neighbour.check(Repository.objects.values_list("name", flat=True)[:10])
            transaction.set_rollback(True, using=inner.alias)
        first.check(Repository.objects.values_list("name", flat=True)[:10])
        first.check_session()


def log(visitor: Visitor) -> None:
    with visitor.enter() as inside:
        entries = audit.list_audit(inside, _PAGE).items
        visitor.findings.rows += len(entries)
        visitor.check_session()


def gather(visitor: Visitor) -> None:
    """Let both tenants' requests meet in one event loop, whose work runs in threads that others use as well."""
    (neighbour,) = [each for each in Visitor.pair(visitor.findings, visitor.slug, visitor.other) if each != visitor]

    def one(each: Visitor) -> None:
        try:
            read(each)
            roll_back(each)
            each.require_outside()
        finally:
            close_compartments()
            connections.close_all()

    async def several() -> None:
        work = sync_to_async(one, thread_sensitive=False, executor=_executor)
        await asyncio.gather(*[work(each) for each in (visitor, neighbour)])

    asyncio.run(several())


# What is done how often.
REQUESTS: Final[Mapping[Callable[[Visitor], None], int]] = {
    read: 30,
    create: 12,
    set_and_reveal: 6,
    send_and_read: 6,
    roll_back: 10,
    collide: 6,
    time_out: 5,
    fail: 8,
    nest: 8,
    log: 6,
    gather: 3,
}
