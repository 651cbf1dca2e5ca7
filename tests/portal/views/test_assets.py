"""Styles and scripts: ours, unchanged, and nothing inline."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

from portal.static_integrity import IntegrityStorage
from tests.conftest import Household
from tests.portal.views.conftest import NewVisitor, Visitor

LINKED = re.compile(
    r'<(?:link rel="stylesheet"|script)[^>]*?(?:href|src)="/static/([^"]+)"[^>]*?integrity="sha384-([^"]+)"'
)
INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


def test_each_file_matches_its_digest(visit: NewVisitor) -> None:
    page = visit().get("/").content.decode()
    found = LINKED.findall(page)
    assert len(found) == len(re.findall(r'<script|rel="stylesheet"', page)) >= 2
    for name, digest in found:
        with staticfiles_storage.open(name) as file:
            assert base64.b64encode(hashlib.sha384(file.read()).digest()).decode() == digest


def test_nothing_is_inline(household: Household, owner: Visitor, visit: NewVisitor) -> None:
    pages = ["", "repositories/new/", "parameters/new/", "ssh-keys/import/", "messages/", "members/", "audit/"]
    answers = [owner.get(path) for path in pages] + [
        visit().get(path) for path in ("/", "/sign-in/", "/docs/roles/", "/x/")
    ]
    for answer in answers:
        assert not INLINE.search(answer.content.decode()), answer.request["PATH_INFO"]


def test_the_digest_is_taken_at_build(tmp_path: object) -> None:
    with override_settings(STATIC_ROOT=tmp_path):
        call_command("collectstatic", interactive=False, verbosity=0)
        built = IntegrityStorage()
        before = built.integrity("bulkhead.css")
        with open(built.path(built.stored_name("bulkhead.css")), "ab") as file:  # noqa: PTH123 - what storages give
            file.write(b"body { background: url(//evil.example) }")
        assert IntegrityStorage().integrity("bulkhead.css") == before


def test_a_file_that_was_not_collected_has_no_digest() -> None:
    with pytest.raises(KeyError):
        IntegrityStorage().integrity("nothing.css")
