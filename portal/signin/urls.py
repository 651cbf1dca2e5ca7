"""The addresses of signing in, included at the root."""

from django.urls import path

from portal.signin import views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/<slug:provider>/begin/", views.begin, name="sign-in-begin"),
    path("sign-in/<slug:provider>/complete/", views.complete, name="sign-in-complete"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("session/displaced/", views.displaced, name="session-displaced"),
]
