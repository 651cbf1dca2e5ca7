"""Administration as code: what an operator may do to a tenant, as migration operations.

    class Migration(migrations.Migration):
        operations = [CreateTenant("acme", name="Acme", owner=("github", "1001"))]

`manage.py migrate` applies them with the owner's database role. Each appears in the log of the tenant it touches, and
can be undone, but for a creation: what it made holds a customer's data. There is no other way to do what they do: the
web's and the workers' roles lack the right.
"""

from tenants.operations.lifecycle import CreateTenant, ReinstateTenant, SuspendTenant

__all__ = ["CreateTenant", "ReinstateTenant", "SuspendTenant"]
