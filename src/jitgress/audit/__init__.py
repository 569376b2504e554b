"""The ledger: canonical events in a hash chain, and its verification."""
