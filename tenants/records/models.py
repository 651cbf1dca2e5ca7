"""Every table of a tenant's schema, for Django."""

from tenants.records.audit import AuditHead, AuditRow
from tenants.records.keys import SealingSecret
from tenants.records.messages import ReceivedContent, ReceivedMessage, SentContent, SentMessage
from tenants.records.parameters import Parameter, ParameterSet, ParameterVersion
from tenants.records.repositories import Repository
from tenants.records.ssh_keys import SSHKey

__all__ = [
    "AuditHead",
    "AuditRow",
    "Parameter",
    "ParameterSet",
    "ParameterVersion",
    "ReceivedContent",
    "ReceivedMessage",
    "Repository",
    "SSHKey",
    "SealingSecret",
    "SentContent",
    "SentMessage",
]
