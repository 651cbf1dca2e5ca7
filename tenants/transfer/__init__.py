"""Move a tenant from one deployment to another: a file, sealed as it stands, that one recipient can open.

source       export_tenant: rows as they are, tenant key sealed to the recipient's public key
destination  import_tenant: verified first, then all in one transaction, keys wrapped by the key service there
"""

from tenants.transfer.errors import BadArchive, Taken, TransferError
from tenants.transfer.exporting import Exported, export_tenant
from tenants.transfer.importing import Imported, Wishes, import_tenant, parse_owner
from tenants.transfer.recipient import fingerprint, make_pair, read_private, read_public

__all__ = [
    "BadArchive",
    "Exported",
    "Imported",
    "Taken",
    "TransferError",
    "Wishes",
    "export_tenant",
    "fingerprint",
    "import_tenant",
    "make_pair",
    "parse_owner",
    "read_private",
    "read_public",
]
