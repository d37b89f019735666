"""From result rows to what people read: collect → grid → table, figure, headline → report.html. Files only, never jax."""
