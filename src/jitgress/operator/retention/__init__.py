"""Retention: what is over, and in the ledger, isn't kept in the cluster for ever."""
