"""Readers of the files people bring from elsewhere: bytes in, drafts of transactions out. Pure."""
