"""The web server's way in: `granian --interface wsgi portal.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
portal = get_wsgi_application()

from portal.api.readings import Readings  # noqa: E402 - the settings are read by now
from portal.checks import refuse_unsafe  # noqa: E402
from tenants import keyrings  # noqa: E402

refuse_unsafe()
keyrings.open_early()
keyrings.is_sealed()  # connects in the background, before somebody asks for a secret

application = Readings(portal)

# What is loaded by now stays for good: no collection has to look through it again.
gc.collect()
gc.freeze()
