"""Access: who may do what, by API key or by login, and the record of what was done."""
