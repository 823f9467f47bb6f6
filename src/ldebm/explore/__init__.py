"""A page on this machine on which a model is asked: what a text is about, what it would write, what lies between."""

from ldebm.explore.answers import Explorer
from ldebm.explore.server import serve

__all__ = ["Explorer", "serve"]
