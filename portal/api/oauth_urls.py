"""The addresses of the device authorization grant."""

from django.urls import path

from portal.api import oauth

urlpatterns = [
    path("device/code", oauth.device_code, name="oauth-device-code"),
    path("token", oauth.token, name="oauth-token"),
    path("revoke", oauth.revoke, name="oauth-revoke"),
]
