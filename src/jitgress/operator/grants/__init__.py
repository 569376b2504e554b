"""Grants that should not be there: not recorded, altered, over, or without a request. They are removed."""
