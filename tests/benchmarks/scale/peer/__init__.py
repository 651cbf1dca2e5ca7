"""django-tenants, with the portal's own record tables as its tenant app: same models, same migrations, same server."""
