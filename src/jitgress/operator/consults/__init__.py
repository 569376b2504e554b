"""External approval systems: a policy may name one by its webhook, and each request that waits for it is put to it."""
