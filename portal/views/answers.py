"""How views answer: a page, a form again with status 422, or a redirect that says what was done."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from portal.forms.base import Form
from tenants.compartment import Compartment
from tenants.pagination import PageRequest


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """Render a template; one with a `form` that has errors answers 422."""
    form = context.get("form")
    wrong = isinstance(form, Form) and form.is_bound and bool(form.errors)
    return render(request, template, context, status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK)


def done(
    request: HttpRequest, words: str, name: str, compartment: Compartment | None = None, **where: Any
) -> HttpResponse:
    """Say what was done on the page that `name` leads to."""
    messages.success(request, words)
    inside = {"tenant": compartment.tenant.slug} if compartment else {}
    return redirect(reverse(name, kwargs={**inside, **where}))


def asked(request: HttpRequest, key: str = "after", size: int = 50) -> PageRequest:
    """Return which page of a list the address asks for."""
    return PageRequest(after=request.GET.get(key) or None, size=size)


def posted(request: HttpRequest) -> Any:
    """Return the data for a form: an empty POST is still one."""
    return request.POST if request.method == "POST" else None


def uploaded(request: HttpRequest) -> Any:
    """Return the files for a form, beside `posted`."""
    return request.FILES if request.method == "POST" else None
