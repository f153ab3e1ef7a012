"""The formats of brokers' files, one module each. `detection` finds the one of a file.

A new format is one module here, with its reader and its declaration (`declaration`), and one sample
beside the tests. Nothing else names it.
"""
