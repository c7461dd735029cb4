"""What people see on a terminal: one module a verb, records in, rich renderables out."""
