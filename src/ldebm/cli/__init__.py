"""The command line: one file a verb, each thin. What needs torch is imported inside the verbs: help is quick."""

from ldebm.cli.app import main

__all__ = ["main"]
