"""Signing in: an identity from a provider, one session a person, and nothing that could be stolen from the database."""
