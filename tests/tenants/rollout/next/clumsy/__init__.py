from tests.tenants.rollout.next import after_real

__path__ = after_real(__path__)
