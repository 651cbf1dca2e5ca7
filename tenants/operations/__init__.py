"""Administration as code: what an operator may do to a tenant, as migration operations.

    class Migration(migrations.Migration):
        operations = [CreateTenant("acme", name="Acme", owner=("github", "1001"))]

`manage.py migrate` applies them with the owner's database role. Each appears in the log of the tenant it touches, and
can be undone, but for a creation, which holds a customer's data, and a destruction, which leaves none. There is no
other way to do what they do: the web's and the workers' roles lack the right. What a tenant may have and use a day is
limited by SetLimits (deploy/LIMITS.md).

A tenant ends in two migrations, days apart. While it is suspended everything answers with the reason, nothing is
deleted, and its owners can still download the notice that they verify the certificate against.

        operations = [SuspendTenant("acme", reason="The contract ended on 1 March; the data goes on 1 April.")]

        operations = [
            DestroyTenant("acme", tenant_id="9b2f6a0e-5d0c-4a53-9f6f-2f1f0f3b7c11", reason="contract-ended"),
        ]

It takes effect whole or not at all, however it is interrupted. The certificate is then at /certificates/<tenant id>/.
"""

from tenants.operations.destruction import DestroyTenant
from tenants.operations.lifecycle import CreateTenant, ReinstateTenant, SuspendTenant
from tenants.operations.limits import SetLimits

__all__ = ["CreateTenant", "DestroyTenant", "ReinstateTenant", "SetLimits", "SuspendTenant"]
