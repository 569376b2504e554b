"""Outgoing messages: what people should hear of at once, to the chats and mailboxes of the settings."""
