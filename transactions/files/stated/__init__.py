"""Statements of brokers about one day: positions and cash. Pure.

`interface` has the shared types, each other module reads the files of one broker, and `detection`
recognizes them. A new format is a module with `STATEMENTS` and a test with a real-looking file.
"""
