"""The low-resource language expansion workbench."""
