"""Writes of users: accounts and passwords, log-ins of the API, households."""
