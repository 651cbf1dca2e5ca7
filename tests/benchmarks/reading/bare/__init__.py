"""The reference: a plain Django with one connection that is kept, and a view that sends SQL and nothing besides."""
