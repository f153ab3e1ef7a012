"""What changes about people: accounts and passwords, log-ins of the API, households."""
