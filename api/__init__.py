"""Ring 2: every place where bytes enter or leave. Never replayed."""
