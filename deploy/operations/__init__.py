"""An example of an operator's own app: each migration is an act of administration, reviewed before it runs.

Name it in BULKHEAD_OPERATIONS; write migrations with the operations of `tenants.operations`.
"""
