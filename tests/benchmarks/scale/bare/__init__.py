"""The reference of routing: the portal's Django with one plain connection, the superuser's, and nothing that routes."""
