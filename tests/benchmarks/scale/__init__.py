"""What the benchmarks of many tenants are made of. Imports nothing: settings live here, and starting is measured."""
