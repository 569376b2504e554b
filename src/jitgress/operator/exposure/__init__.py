"""What the outside sees: a host is Active once it refuses strangers, and closed once it is hidden."""
