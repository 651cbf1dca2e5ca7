"""The API, version 1: one module a noun, one page that says who may enter (`access`), one that says how it refuses."""
