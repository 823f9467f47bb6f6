"""Training a model on a corpus, from configuration to run folder."""

from ldebm.training.run import train
from ldebm.training.trainer import NotFinite, Stopped, Trainer

__all__ = ["NotFinite", "Stopped", "Trainer", "train"]
