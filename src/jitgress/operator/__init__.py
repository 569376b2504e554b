"""Level-based reconcilers: gather, decide, apply, one folder a concern."""
