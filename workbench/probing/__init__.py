"""Probing any model with any parallel sentences: opens both, runs `workbench.evaluation`'s probes, gives rows."""
