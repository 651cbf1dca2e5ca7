"""What `bench secrets` is made of: servers that give out the same values, and a client that asks them."""

SLUG = "measured"
