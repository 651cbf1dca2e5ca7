"""The person's side of the device authorization grant (RFC 8628, section 3.3): enter a code, compare, answer."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from portal.forms.base import explained
from portal.forms.device import AnswerForm, CodeForm
from portal.guards import SignedInRequest, actor_of, signed_in
from portal.limits import limited
from portal.signin.context import my_tenancies
from portal.views.answers import page
from tenants.actions.tenancies import Tenancy
from tenants.actions.tokens import USER_CODE_ALPHABET, approve_device, deny_device, find_device
from tenants.errors import Invalid

_HALF = 4


@require_http_methods(["GET", "POST"])
@signed_in
@limited("device")
def index(request: SignedInRequest) -> HttpResponse:
    if "answer" in request.POST:
        return _answered(request)
    if request.method == "POST":
        return _looked_up(request)
    return page(
        request, "device/code.html", form=CodeForm(initial={"user_code": request.GET.get("user_code", "")[:32]})
    )


def _looked_up(request: SignedInRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    if form.is_valid():
        with explained(form):
            code = form.cleaned_data["user_code"]
            grant = find_device(code)
            mine = my_tenancies(request)
            answer = AnswerForm(tenancies=mine, initial={"user_code": code, "tenant": _only(mine)})
            return page(request, "device/approve.html", grant=grant, user_code=_spoken(code), form=answer)
    return page(request, "device/code.html", form=form)


def _answered(request: SignedInRequest) -> HttpResponse:
    mine = my_tenancies(request)
    form = AnswerForm(request.POST, tenancies=mine)
    approved = request.POST["answer"] == "approve"
    if form.is_valid():
        with explained(form):
            _decide(request, form, approved=approved)
            return page(request, "device/done.html", approved=approved)
    return _asked_again(request, form)


def _decide(request: SignedInRequest, form: AnswerForm, *, approved: bool) -> None:
    code, slug = form.cleaned_data["user_code"], form.cleaned_data["tenant"]
    if not approved:
        deny_device(code)
    elif slug:
        with request.session.held() as live:
            if not live:
                raise Invalid({"user_code": "You were signed out meanwhile: sign in, then enter the code again."})
            approve_device(actor_of(request), code, slug)
    else:
        raise Invalid({"tenant": "Choose the tenant that the command line may work in."})


def _asked_again(request: SignedInRequest, form: AnswerForm) -> HttpResponse:
    """Show the question again while the code waits; otherwise ask for another code."""
    code = form.data.get("user_code", "")
    try:
        grant = find_device(code)
    except Invalid as error:
        fresh = CodeForm({"user_code": code[:32]})
        fresh.explain(error)
        return page(request, "device/code.html", form=fresh)
    return page(request, "device/approve.html", grant=grant, user_code=_spoken(code), form=form)


def _only(mine: list[Tenancy]) -> str | None:
    return mine[0].tenant.slug if len(mine) == 1 else None


def _spoken(code: str) -> str:
    letters = "".join(letter for letter in code.upper() if letter in USER_CODE_ALPHABET)
    return f"{letters[:_HALF]}-{letters[_HALF:]}"
