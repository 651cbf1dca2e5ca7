"""Giving a role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from portal.forms.base import Form, Words
from tenants.roles import Role


class RoleForm(Form):
    role = forms.TypedChoiceField(label="Role", coerce=Role, widget=forms.RadioSelect)

    def __init__(self, *args: Any, grantable: Iterable[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [role for role in Role if role in set(grantable)]
        self.offer("role", [(role.value, Words(role.label, role.description)) for role in offered])
