"""Readers of files from other programs: bytes in, drafts of transactions out. Pure."""
