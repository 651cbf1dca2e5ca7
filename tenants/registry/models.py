"""Every registry table, for Django and for whoever reads the registry."""

from tenants.registry.assurance import DriftReport, IsolationProof
from tenants.registry.certificates import Certificate
from tenants.registry.connections import Connection
from tenants.registry.due import Due
from tenants.registry.memberships import JoinRequest, Membership
from tenants.registry.people import Person, Provider
from tenants.registry.sessions import Attempt, Displaced, Session
from tenants.registry.tenants import SealingKey, Tenant, TenantKey, TenantLimits, TenantRequest, TenantState
from tenants.registry.tokens import AccessToken, DeviceGrant

__all__ = [
    "AccessToken",
    "Attempt",
    "Certificate",
    "Connection",
    "DeviceGrant",
    "Displaced",
    "DriftReport",
    "Due",
    "IsolationProof",
    "JoinRequest",
    "Membership",
    "Person",
    "Provider",
    "SealingKey",
    "Session",
    "Tenant",
    "TenantKey",
    "TenantLimits",
    "TenantRequest",
    "TenantState",
]
