"""Every table of a tenant's schema, for Django."""

from tenants.records.audit import AuditHead, AuditRow
from tenants.records.builds import Build
from tenants.records.keys import KeyUse, LookupSecret, SealingSecret
from tenants.records.messages import ReceivedContent, ReceivedMessage, SentContent, SentMessage
from tenants.records.parameters import Parameter, ParameterSet, ParameterVersion
from tenants.records.repositories import Repository
from tenants.records.ssh_keys import SSHAuthority, SSHCertificate, SSHKey
from tenants.records.usage import Usage, UsageHead

__all__ = [
    "AuditHead",
    "AuditRow",
    "Build",
    "KeyUse",
    "LookupSecret",
    "Parameter",
    "ParameterSet",
    "ParameterVersion",
    "ReceivedContent",
    "ReceivedMessage",
    "Repository",
    "SSHAuthority",
    "SSHCertificate",
    "SSHKey",
    "SealingSecret",
    "SentContent",
    "SentMessage",
    "Usage",
    "UsageHead",
]
