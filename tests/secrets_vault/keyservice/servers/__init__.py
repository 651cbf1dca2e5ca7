"""What the key services' clients talk to in tests: real servers where there are any, else ours at the wire."""
