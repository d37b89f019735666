"""From result rows to what people read: collect, grid, then table, figure, headline and page. Files only, no jax."""
