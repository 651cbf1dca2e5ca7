"""The threat model: what we expect to go wrong, what stops it, and the tests that fail without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Threat:
    ids: str  # in the catalogue of requirements
    what: str
    defence: str
    tests: tuple[str, ...]  # modules, from the root of the repository


THREATS: Final = (
    Threat(
        "Z2 S2",
        "Code inside one tenant, through injection or a mistake, reaches for another tenant's rows.",
        "The request talks to the database as the tenant's own login role, with no right in any other schema and "
        "a member of no other role, so RESET ROLE, SET ROLE and another schema's name are denied by PostgreSQL itself.",
        (
            "tests/tenants/test_database_role.py",
            "tests/tenants/test_compartment.py",
            "tests/tenants/test_provisioning.py",
        ),
    ),
    Threat(
        "Z2 S2",
        "The wall between tenants gets a hole unnoticed: a grant too many, a role that became mightier.",
        "Every night each tenant's own role tries every known way out, and the tenant sees what came of it. A way out, "
        "and a proof that could not be made, are logged as errors; a way out also stands in the tenant's log.",
        ("tests/tenants/isolation/test_detectors.py", "tests/tenants/isolation/test_campaign.py"),
    ),
    Threat(
        "M8 S2",
        "A stolen row or dump is put in another place, or compared with others.",
        "Every ciphertext is bound to tenant, column, row and version, under a key and nonce of its own, with a key "
        "commitment; one failure looks like any other.",
        ("tests/secrets_vault/test_envelope.py", "tests/secrets_vault/test_layers.py"),
    ),
    Threat(
        "M3 M4 Z9",
        "Whoever has the database has the keys.",
        "A key service wraps each tenant's key and checks what it was wrapped for. Wrapped keys stand in the registry, "
        "not in the tenant's schema.",
        ("tests/secrets_vault/keyservice/test_contract.py", "tests/secrets_vault/test_keyring.py"),
    ),
    Threat(
        "I2 M1 I16",
        "Somebody signs in as somebody else: an unconfirmed address, the same address at the other provider.",
        "A person is a provider and its immutable id. The primary address must be verified and in an allowed domain; "
        "PKCE, and a state that works once in the browser that began.",
        ("tests/portal/signin/test_identity.py", "tests/portal/signin/test_sign_in.py"),
    ),
    Threat(
        "I4",
        "A session is stolen, kept alive, or brought back.",
        "One live session a person, by construction: the newest sign-in wins and the older browser is told. Limits "
        "when idle and in all, by the database's clock. What the database holds opens no session.",
        ("tests/portal/signin/test_sessions.py", "tests/portal/signin/test_shut_out.py"),
    ),
    Threat(
        "I3 S3",
        "A token is forged, replayed for another tenant, or used after it was revoked.",
        "Tokens are signed, then encrypted, carry identity alone, and are looked up at each use. None is ever "
        "displayed: a command line is let in by its person, in the browser.",
        ("tests/portal/test_tokens.py", "tests/portal/api/test_access.py", "tests/portal/api/test_oauth.py"),
    ),
    Threat(
        "I1 I10",
        "A door is opened without anybody having decided who may use it.",
        "Each view and each API operation states its level; what states none is closed. Roles are one table in code, "
        "enforced by one decorator on each action, and shown as a matrix.",
        ("tests/portal/edge/test_guards.py", "tests/portal/views/test_doors.py", "tests/portal/views/test_docs.py"),
    ),
    Threat(
        "M2",
        "A build reads parameters and keys that were meant for another one.",
        "Label filters are checked in the action and in the query, by exact match: a build names no repository, "
        "its row does. It opens its own environment, SSH keys and key while it runs, is certified by its repository's "
        "name, ends itself, and nothing else. A filter for every repository is asked about and warned of. Pages say "
        "before it is done whose builds gain or lose which names by filters, labels, deleting, restoring, importing "
        "and changing many; whom an imported SSH key reaches, and a single name that is typed, only in browsers with "
        "scripts.",
        (
            "tests/portal/api/test_build_tokens.py",
            "tests/portal/api/test_builds.py",
            "tests/tenants/actions/test_builds.py",
            "tests/tenants/actions/test_parameter_reach.py",
            "tests/portal/views/test_previews.py",
            "tests/tenants/actions/test_parameters.py",
            "tests/portal/views/test_parameters.py",
        ),
    ),
    Threat(
        "M3 M5 M8",
        "A start event is read by somebody on its way, or kept, and opened later.",
        "The build's key in it is wrapped by the tenant's and bound to tenant and build. Only that build's token has "
        "it unwrapped, while the build runs, each time after an entry in the log; ending shreds the key, and a build "
        "that nobody ends is ended.",
        ("tests/portal/api/test_builds.py", "tests/tenants/actions/test_builds.py"),
    ),
    Threat(
        "Z6 S6",
        "A command prints a value, and the log of a build system keeps it.",
        "`bulkhead run` masks values, their lines and their common encodings, wherever the stream is cut. It is a net "
        "against mishaps: the documents say what it can't see.",
        ("tests/portal/cli/test_masking.py", "tests/portal/cli/test_run.py"),
    ),
    Threat(
        "Z6 S6",
        "A command that a build runs takes more than that build's: its user's access to the portal.",
        "`bulkhead run` does not wall its command in. Where somebody is signed in, the command can read the file of "
        "their tokens and be them. So a job that is not trusted gets a build that a trusted step started (`bulkhead "
        "build start`, `bulkhead run --build`): without any sign-in, with a token that opens that build alone.",
        ("tests/portal/cli/test_handover.py", "tests/portal/api/test_build_tokens.py"),
    ),
    Threat(
        "Z9",
        "A key is used for so long, or so often, that losing it once loses everything.",
        "Tenant keys, database passwords and the keys of sessions and tokens are replaced every two weeks, a tenant's "
        "key earlier if it is used often. Everything is wrapped anew, whatever is killed meanwhile; then the old "
        "version is refused, and nothing can be stored under it any more.",
        (
            "tests/tenants/rotation/test_rotation.py",
            "tests/tenants/rotation/test_interruptions.py",
            "tests/portal/test_epochs.py",
        ),
    ),
    Threat(
        "I9 M8",
        "Values are guessed: by comparing what is stored, or by asking again and again where a value is used.",
        "Digests are keyed for each tenant and made over each row's own place: equal values do not look alike. Asking "
        "takes the right to write, is in the log each time, and is limited; the value travels in no address.",
        ("tests/tenants/actions/test_parameter_search.py", "tests/portal/api/test_parameter_search.py"),
    ),
    Threat(
        "I9",
        "A file to import attacks its reader: aliases that multiply, endless nesting, tags that build objects.",
        "A file is bounded before it is read. Of YAML only the parser's events are read, nothing is built or "
        "followed; a name that comes twice is refused; all is stored or nothing.",
        ("tests/tenants/importing/test_json_and_yaml.py", "tests/tenants/importing/test_dotenv.py"),
    ),
    Threat(
        "Z6 S6",
        "A secret reaches a browser, a log, the broker or the cache.",
        "Values are written and never shown; forms do not give back what was typed into a secret field, not even with "
        "an error. What is previewed rests in the page alone, sealed, until it is saved. Planted secrets are searched "
        "for everywhere after everything was done.",
        ("tests/canary/test_canary.py", "tests/portal/views/test_ssh_keys.py"),
    ),
    Threat(
        "Z10",
        "A message is read by whoever carries it, or after its time.",
        "It is sealed to the receiving tenant's key as it is sent (HPKE with ML-KEM-768 and X25519). Reading asks the "
        "database's clock; a preview of a link opens nothing, because reading is a POST.",
        (
            "tests/secrets_vault/test_sealing.py",
            "tests/tenants/actions/test_messages.py",
            "tests/tenants/test_delivery.py",
            "tests/portal/views/test_messages.py",
        ),
    ),
    Threat(
        "T3",
        "A weak key, or something that is no key, is put in as an SSH key.",
        "Type and size are judged before it is stored, and a refusal says what would be right. The size of what is "
        "sent is bounded before it is parsed, and nothing looks for primes in it: numbers made for that would hold a "
        "process for hours.",
        ("tests/tenants/actions/test_ssh_keys.py", "tests/tenants/test_hostile_ssh_keys.py"),
    ),
    Threat(
        "M2 T3",
        "Somebody gets into a host under a name that is not theirs, or with a certificate that outlives its use.",
        "A certificate names whoever asks and nobody else: the names follow from the person's identity and role, or "
        "from the build's repository, after the tenant's address. It ends within 8 hours, a build's within 15 "
        "minutes and by its time limit.",
        ("tests/tenants/actions/test_ssh_certificates.py", "tests/tenants/actions/test_ssh_host.py"),
    ),
    Threat(
        "Z6",
        "A key or a file that a build was given stays behind on the machine that ran it.",
        "SSH keys go by a pipe into an agent that ends with the command. Files lie in memory where the system has such "
        "a place, for their user alone, and are removed however the command or `bulkhead run` ends.",
        ("tests/portal/cli/test_agent.py", "tests/portal/cli/test_files.py"),
    ),
    Threat(
        "T2",
        "A script or style is changed on its way, or somebody else's is brought in.",
        "A content security policy without any inline code, Trusted Types, and an integrity digest on every script and "
        "style, computed when they are collected.",
        ("tests/portal/views/test_assets.py", "tests/portal/edge/test_scripts.py", "tests/portal/edge/test_headers.py"),
    ),
    Threat(
        "I11 I21",
        "Codes and accounts are tried one after the other, from addresses that are made up.",
        "Limits by account and by true client address, which only a trusted proxy may name, and which ten accounts "
        "use up; where they can't be counted, signing in is closed.",
        ("tests/portal/edge/test_limits.py", "tests/portal/edge/test_addresses.py"),
    ),
    Threat(
        "I5 I12 I13",
        "One request asks for more than a server should do.",
        "Lists come in pages by key; depth, breadth and size of what is sent are bounded before it is parsed.",
        ("tests/portal/views/test_repositories.py", "tests/portal/api/test_messages.py"),
    ),
    Threat(
        "I11 S1",
        "One tenant, or whoever has one of its tokens, uses up what all of them share.",
        "An operator limits what a tenant has and uses a day, by migration. The limit is checked with the act's entry "
        "in the log, so that of many requests at once exactly as many succeed as are allowed.",
        ("tests/tenants/test_limits.py", "tests/tenants/operations/test_limits.py"),
    ),
    Threat(
        "I11 S1",
        "Whoever has a tenant's database password alters what its limits are held against.",
        "That role can alter its own tables: the counts of any day, how far the log has been counted, and what there "
        "is. So it does away with its own limits a day, and has things beyond the others. It can't alter the limits, "
        "the number of members, another tenant's counts, or the log, from which all counts can be made anew.",
        ("tests/tenants/test_usage.py", "tests/tenants/test_database_role.py", "tests/tenants/test_audit.py"),
    ),
    Threat(
        "I8",
        "Somebody denies an act, or takes it out of the log.",
        "An act and its entry are one transaction, or the entry is committed first; a secret leaves after its entry. "
        "Entries are chained by hash, and the tenant's role may add and read them, nothing else.",
        ("tests/tenants/test_audit.py", "tests/secrets_vault/test_hashchain.py"),
    ),
    Threat(
        "Z3 S1",
        "An administrator looks into, or changes, what is a customer's.",
        "There is no console. Operators' acts are migrations, applied with a database role that the web never holds, "
        "and each stands in the log of the tenant that it touches.",
        ("tests/tenants/operations/test_lifecycle.py",),
    ),
    Threat(
        "S5 S2",
        "A destroyed tenant is brought back from a backup, half of it stays, or its address becomes another's.",
        "Destroying is one transaction: the keys go with the schema and the role, or nothing does. Documented backups "
        "hold no wrapped key but one that is kept for days. A certificate takes the address out of use for good.",
        ("tests/tenants/operations/test_destruction.py", "tests/tenants/operations/test_backups.py"),
    ),
    Threat(
        "S5",
        "A customer is told that its data is gone, and has nothing to hold against it.",
        "The certificate is signed, and verified without a server against a notice that was downloaded before: same "
        "tenant, same keys, the log no shorter. Whoever holds BULKHEAD_SECRET_KEY can sign one.",
        ("tests/portal/cli/test_certificate.py", "tests/portal/views/test_certificates.py"),
    ),
    Threat(
        "S1 S2",
        "A suspended tenant is reached all the same, or loses what it has meanwhile.",
        "Whoever enters is asked for the tenant's state, workers too, and once more where it connects; what is due "
        "waits, expiry as well, and nothing can be read. Only the notice for a later certificate stays open.",
        (
            "tests/portal/views/test_suspension.py",
            "tests/tenants/operations/test_suspension.py",
            "tests/tenants/operations/test_vetoes.py",
        ),
    ),
    Threat(
        "S1 S2",
        "Whoever has a tenant's database password holds locks, or sets a password of its own, so that the tenant can't "
        "be suspended or destroyed, its password can't be changed, or no backup ends.",
        "The role is closed to everybody, its sessions are ended and its password is changed before anything waits for "
        "a lock of theirs; waits are bounded, dumps' too. Who had begun to log in before, and draws it out, is waited "
        "for and refused: that delays a suspension by PostgreSQL's authentication_timeout of a minute at most. Who is "
        "connected to PgBouncer stays so: its port is nobody else's, and its console puts out who got there.",
        (
            "tests/tenants/operations/test_vetoes.py",
            "tests/tenants/operations/test_backups.py",
            "tests/tenants/databases/test_pooler.py",
        ),
    ),
    Threat(
        "S2 I2",
        "Somebody makes an archive of a tenant with themselves among its owners, and an operator brings it in.",
        "An import asks for the digest that the source's operator read out, or for a plain word that it goes without, "
        "and shows whom it lets in before anything is written.",
        ("tests/tenants/transfer/test_commands.py", "tests/tenants/transfer/test_tampering.py"),
    ),
    Threat(
        "I14 I17",
        "A part fails, and the answer tells an attacker how the system is made.",
        "Pages say what to do in plain words; the details are in the log, found by the incident id. Where the database "
        "or Redis is away, the answer is a clean 503.",
        ("tests/portal/edge/test_errors.py", "tests/portal/edge/test_outages.py", "tests/portal/views/test_health.py"),
    ),
)
