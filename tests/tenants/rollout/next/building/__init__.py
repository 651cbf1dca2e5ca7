from tests.tenants.rollout.next import additive, after_real

__path__ = after_real(additive.__path__[-1:], __path__)
