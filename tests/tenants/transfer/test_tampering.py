"""A hostile archive is refused with the part at fault named, and leaves nothing behind."""

from __future__ import annotations

import re
import tarfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from secrets_vault import new_sealing_key
from tenants.transfer import BadArchive, TransferError, make_pair
from tests.tenants.transfer.conftest import Elsewhere, Import
from tests.tenants.transfer.forging import Forgery, tar

pytestmark = pytest.mark.usefixtures("nothing_changes")


def test_the_forger_writes_what_the_export_writes(forgery: Forgery, elsewhere: Elsewhere) -> None:
    assert tar(forgery.parts.items()) == elsewhere.archive("plain").read_bytes()


def test_a_flipped_byte_anywhere_is_found(bring: Import, elsewhere: Elsewhere) -> None:
    good = elsewhere.archive("plain").read_bytes()
    version = re.search(rb'"schema_version": "([^"]+)"', good)
    assert version
    for position in range(5, len(good), 97):
        damaged = bytearray(good)
        damaged[position] ^= 0x01
        with pytest.raises(TransferError) as refused:
            bring(bytes(damaged))
        # Of another release's archive nothing is known but that it is one.
        assert isinstance(refused.value, BadArchive) or position in range(*version.span(1))


def test_a_truncated_archive_is_found(bring: Import, elsewhere: Elsewhere) -> None:
    good = elsewhere.archive("plain").read_bytes()
    for length in (0, 1, 511, 512, 513, *range(1024, len(good), 1499), len(good) - 512, len(good) - 1):
        with pytest.raises(BadArchive):
            bring(good[:length])
    for tail in (b"\0", bytes(512), good):
        with pytest.raises(BadArchive, match="follows its end"):
            bring(good + tail)


def test_a_missing_part_is_named(bring: Import, forgery: Forgery) -> None:
    for name in forgery.parts:
        with pytest.raises(BadArchive, match="it is missing") as refused:
            bring(tar((part, content) for part, content in forgery.parts.items() if part != name))
        assert refused.value.part == name


def test_a_part_twice_or_out_of_order_is_refused(bring: Import, forgery: Forgery) -> None:
    for name in forgery.parts:
        with pytest.raises(BadArchive, match="occurs twice"):
            bring(tar([*forgery.parts.items(), (name, forgery.parts[name])]))
    with pytest.raises(BadArchive, match="out of order"):
        bring(tar(reversed(forgery.parts.items())))


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/passwd",
        "tables/../keys",
        "tables/x/y.copy",
        "./keys",
        "keys ",
        "tables/a.csv",
        "évil",
        "\x1b[2J",
    ],
)
def test_a_name_of_another_form_is_refused(bring: Import, forgery: Forgery, name: str) -> None:
    with pytest.raises(BadArchive) as refused:
        bring(tar([(name, b"content"), *forgery.parts.items()]))
    assert str(refused.value).isprintable()
    assert str(refused.value).isascii()


def _linked(kind: bytes) -> Callable[[tarfile.TarInfo], None]:
    def spoil(information: tarfile.TarInfo) -> None:
        information.type, information.linkname, information.size = kind, "/etc/passwd", 0

    return spoil


SPOIL: dict[str, Callable[[tarfile.TarInfo], None]] = {
    "symbolic link": _linked(tarfile.SYMTYPE),
    "hard link": _linked(tarfile.LNKTYPE),
    "device": _linked(tarfile.CHRTYPE),
    "fifo": _linked(tarfile.FIFOTYPE),
    "directory": _linked(tarfile.DIRTYPE),
    "sparse": _linked(tarfile.GNUTYPE_SPARSE),
    "extension header": _linked(tarfile.XHDTYPE),
    "long name": _linked(tarfile.GNUTYPE_LONGNAME),
    "another mode": lambda information: setattr(information, "mode", 0o4755),
    "another owner": lambda information: setattr(information, "uname", "root"),
    "larger than the file": lambda information: setattr(information, "size", 2**40),
    "larger than anything": lambda information: setattr(information, "size", 2**62),
    "smaller than its content": lambda information: setattr(information, "size", 1),
}


@pytest.mark.parametrize("of", ["tables/audit.copy", "manifest.json", "keys"])
@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL.keys())
def test_anything_but_a_plain_file_is_refused(
    bring: Import, forgery: Forgery, spoil: Callable[[tarfile.TarInfo], None], of: str
) -> None:
    with pytest.raises(BadArchive):
        bring(tar(forgery.parts.items(), spoil=spoil, of=of))


def test_a_manifest_that_was_changed_does_not_open(bring: Import, forgery: Forgery) -> None:
    forgery.manifest["members"].append({"provider": "github", "uid": "666", "role": "owner"})
    with pytest.raises(BadArchive, match="don't open") as refused:
        bring(forgery.written(seal=False))
    assert refused.value.part == "keys"


def test_another_recipient_does_not_open_it(bring: Import, elsewhere: Elsewhere, tmp_path: Path) -> None:
    make_pair(tmp_path / "stranger")
    with pytest.raises(BadArchive, match="another recipient"):
        bring(elsewhere.archive("plain").read_bytes(), key=tmp_path / "stranger")


def test_another_digest_than_the_one_read_out_is_refused(bring: Import, elsewhere: Elsewhere) -> None:
    with pytest.raises(BadArchive, match="not the one that was asked for"):
        bring(elsewhere.archive("plain").read_bytes(), digest="0" * 64)


def _first(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    first: dict[str, Any] = manifest[name][0]
    return first


MANIFESTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another format": lambda m: m.update(format="bulkhead-tenant-2"),
    "a field more": lambda m: m.update(evil=1),
    "a field less": lambda m: m.pop("source"),
    "a field more in a table": lambda m: _first(m, "tables").update(where="1=1"),
    "a field more in a member": lambda m: _first(m, "members").update(tenant=str(uuid.uuid4())),
    "a role that isn't": lambda m: _first(m, "members").update(role="superuser"),
    "a provider that isn't": lambda m: _first(m, "members").update(provider="local"),
    "an empty id": lambda m: _first(m, "members").update(uid=""),
    "an id with a line's end": lambda m: _first(m, "members").update(uid="1\n"),
    "an id that is a number": lambda m: _first(m, "members").update(uid=1),
    "a member twice": lambda m: m["members"].append(_first(m, "members")),
    "no list of members": lambda m: m.update(members={}),
    "nothing for a member": lambda m: m.update(members=[None]),
    "no owner": lambda m: m.update(members=[]),
    "an address of another form": lambda m: m.update(slug="Plain"),
    "a reserved address": lambda m: m.update(slug="admin"),
    "SQL for an address": lambda m: m.update(slug="x'; DROP--"),
    "a name with an escape": lambda m: m.update(name="\x1b[2Jname"),
    "a name with a lone surrogate": lambda m: m.update(name="\ud800"),
    "a name that is too long": lambda m: m.update(name="x" * 101),
    "no tenant": lambda m: m.update(tenant="00000000"),
    "a tenant in capitals": lambda m: m.update(tenant=m["tenant"].upper()),
    "a fractional position": lambda m: m.update(audit_position=1.5),
    "a negative position": lambda m: m.update(audit_position=-1),
    "true for a position": lambda m: m.update(audit_position=True),
    "a huge position": lambda m: m.update(audit_position=2**63),
    "a column more": lambda m: _first(m, "tables")["columns"].append("evil"),
    "a column less": lambda m: _first(m, "tables")["columns"].pop(),
    "columns in another order": lambda m: _first(m, "tables")["columns"].reverse(),
    "SQL for a column": lambda m: _first(m, "tables")["columns"].__setitem__(0, 'x") FROM STDIN; --'),
    "a number for a column": lambda m: _first(m, "tables")["columns"].__setitem__(0, 7),
    "a table of another schema": lambda m: _first(m, "tables").update(name="t_0123456789abcdef.audit"),
    "a table of the registry": lambda m: _first(m, "tables").update(name="tenants"),
    "a table less": lambda m: m["tables"].pop(),
    "a sealing key twice": lambda m: m["sealing_keys"].append(_first(m, "sealing_keys")),
    "no sealing key": lambda m: m.update(sealing_keys=[]),
    "a sealing key of another version": lambda m: _first(m, "sealing_keys").update(version=2),
    "a sealing key that is none": lambda m: _first(m, "sealing_keys").update(public="00"),
    "a sealing key of somebody else": lambda m: _first(m, "sealing_keys").update(public=new_sealing_key()[1].hex()),
    "another end of the log": lambda m: m.update(audit_hash="0" * 64),
    "a newer release's": lambda m: m.update(schema_version="9999_later"),
    "an older release's": lambda m: m.update(schema_version="0001_initial"),
}


@pytest.mark.parametrize("change", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_manifest_of_another_form_is_refused(
    bring: Import, forgery: Forgery, change: Callable[[dict[str, Any]], object]
) -> None:
    change(forgery.manifest)
    with pytest.raises(TransferError) as refused:
        bring(forgery.written())
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": NaN}', b'{"a": 1, "a": 1}', b"9" * 5000, b"null"],
    ids=["nothing", "empty", "list", "bytes", "deep", "NaN", "twice", "number", "null"],
)
def test_a_manifest_that_is_no_manifest_is_refused(bring: Import, forgery: Forgery, content: bytes) -> None:
    forgery.parts["manifest.json"] = content
    with pytest.raises(BadArchive) as refused:
        bring(tar(forgery.parts.items()))
    assert refused.value.part == "manifest.json"


def test_older_and_newer_archives_say_what_to_do(bring: Import, forgery: Forgery) -> None:
    forgery.manifest["schema_version"] = "9999_later"
    with pytest.raises(TransferError, match="upgrade Bulkhead here first"):
        bring(forgery.written())
    forgery.manifest["schema_version"] = "0001_initial"
    with pytest.raises(TransferError, match="migrate_tenants"):
        bring(forgery.written())
