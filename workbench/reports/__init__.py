"""From result rows to what people read: collect, grid, then table, figure, headline, report.html. Files only, no jax."""
