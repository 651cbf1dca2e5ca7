"""Every address of the portal. Names are nouns with verbs; what lies under /t/<slug>/ is inside a tenant."""

from django.urls import URLPattern, URLResolver, include, path

from portal import errors
from portal.views import (
    account,
    audit,
    certificates,
    connections,
    device,
    docs,
    health,
    isolation,
    landing,
    members,
    messages,
    parameters,
    reach,
    repositories,
    sign_in,
    ssh_keys,
    tenancies,
)

inside: list[URLPattern | URLResolver] = [
    path("", tenancies.overview, name="overview"),
    path("repositories/", repositories.index, name="repositories"),
    path("repositories/new/", repositories.new, name="repositories-new"),
    path("repositories/<uuid:repository>/", repositories.edit, name="repositories-edit"),
    path("repositories/<uuid:repository>/delete/", repositories.delete, name="repositories-delete"),
    path("parameters/", parameters.index, name="parameters"),
    path("parameters/new/", parameters.new, name="parameters-new"),
    path("parameters/preview/", reach.preview, name="parameters-preview"),
    path("parameters/<uuid:set>/", parameters.detail, name="parameters-set"),
    path("parameters/<uuid:set>/put/", parameters.put, name="parameters-put"),
    path("parameters/<uuid:set>/edit/", parameters.edit, name="parameters-edit"),
    path("parameters/<uuid:set>/delete/", parameters.delete, name="parameters-delete"),
    path("parameters/<uuid:set>/<uuid:parameter>/delete/", parameters.drop, name="parameters-drop"),
    path("ssh-keys/", ssh_keys.index, name="ssh-keys"),
    path("ssh-keys/generate/", ssh_keys.generate, name="ssh-keys-generate"),
    path("ssh-keys/import/", ssh_keys.take_in, name="ssh-keys-import"),
    path("ssh-keys/<uuid:key>/", ssh_keys.detail, name="ssh-keys-key"),
    path("ssh-keys/<uuid:key>/delete/", ssh_keys.delete, name="ssh-keys-delete"),
    path("connections/", connections.index, name="connections"),
    path("connections/new/", connections.new, name="connections-new"),
    path("connections/<uuid:connection>/accept/", connections.accept, name="connections-accept"),
    path("connections/<uuid:connection>/end/", connections.end, name="connections-end"),
    path("messages/", messages.inbox, name="messages"),
    path("messages/sent/", messages.sent, name="messages-sent"),
    path("messages/new/", messages.new, name="messages-new"),
    path("messages/<uuid:message>/", messages.envelope, name="messages-envelope"),
    path("messages/<uuid:message>/read/", messages.read, name="messages-read"),
    path("members/", members.index, name="members"),
    path("members/asking/<uuid:asking>/admit/", members.admit, name="members-admit"),
    path("members/asking/<uuid:asking>/decline/", members.decline, name="members-decline"),
    path("members/<uuid:person>/", members.role, name="members-role"),
    path("members/<uuid:person>/remove/", members.remove, name="members-remove"),
    path("audit/", audit.index, name="audit"),
    path("isolation/", isolation.index, name="isolation"),
    path("certificate/", certificates.notice, name="certificate"),
    path("certificate/notice.json", certificates.notice_file, name="certificate-notice"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", landing.index, name="landing"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-in/<slug:provider>/begin/", sign_in.begin, name="sign-in-begin"),
    path("sign-in/<slug:provider>/complete/", sign_in.complete, name="sign-in-complete"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("session/displaced/", sign_in.displaced, name="session-displaced"),
    path("tenants/", tenancies.index, name="tenants"),
    path("tenants/new/", tenancies.new, name="tenants-new"),
    path("tenants/<slug:slug>/progress/", tenancies.progress, name="tenants-progress"),
    path("t/<slug:tenant>/", include(inside)),
    path("account/", account.index, name="account"),
    path("account/tokens/<uuid:token>/revoke/", account.revoke, name="account-revoke"),
    path("device/", device.index, name="device"),
    path("certificates/<uuid:tenant_id>/", certificates.certificate, name="certificates"),
    path("certificates/<uuid:tenant_id>/<str:kid>.jws", certificates.certificate_file, name="certificates-file"),
    path("docs/", docs.index, name="docs"),
    path("docs/roles/", docs.roles, name="docs-roles"),
    path("docs/threat-model/", docs.threat_model, name="docs-threat-model"),
    path("docs/keys/", docs.key_hierarchy, name="docs-keys"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("api/v1/", include("portal.api.urls")),
    path("oauth/", include("portal.api.oauth_urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
