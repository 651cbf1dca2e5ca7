"""Prove that compartments are closed: connect as each tenant's own database role and try to get out."""
