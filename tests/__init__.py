"""A package by name, the only one here: lago-python-client installs a ``tests`` of its own.

A folder without this file loses to that one wherever it stands on the path, and ``python -m
tests.crash.suite`` would find nothing.
"""
