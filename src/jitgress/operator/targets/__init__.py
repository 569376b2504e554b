"""Whether an AccessTarget can be opened: its Service, its protocol, and its host being its alone."""
