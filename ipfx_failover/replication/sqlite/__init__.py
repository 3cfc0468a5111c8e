"""The embedded engine: what replicating its files consists of."""
