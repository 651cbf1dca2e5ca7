"""Bring the records' migrations to every tenant: `manage.py migrate_tenants`.

    plan → rehearse (each migration rendered once) → waves: canaries, a tenth, the rest → look again until all are up

A tenant takes a migration in one transaction, with its version in the registry and an entry in its own log: killed at
any moment, it is wholly at one version, and running again goes on from there. A migration that fails stops the run; a
tenant that is busy is put aside and delays nobody but itself. Migrations that can't run in a transaction are refused
(tenants/provisioning/fitness.py).
"""
