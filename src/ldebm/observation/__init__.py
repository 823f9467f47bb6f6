"""How x is read and written: an encoder and a decoder for each kind of observation."""

from ldebm.observation.attention import ContextAttention
from ldebm.observation.bag_of_words import BagDecoder, BagEncoder
from ldebm.observation.base import Decoder, Encoder
from ldebm.observation.context import ContextEncoder
from ldebm.observation.gru import fastest_dtype
from ldebm.observation.mean_norm import MeanNorm
from ldebm.observation.points import PointDecoder, PointEncoder
from ldebm.observation.sequence import SequenceDecoder, SequenceEncoder
from ldebm.observation.word_evidence import WordEvidence

__all__ = [
    "BagDecoder",
    "BagEncoder",
    "ContextAttention",
    "ContextEncoder",
    "Decoder",
    "Encoder",
    "MeanNorm",
    "PointDecoder",
    "PointEncoder",
    "SequenceDecoder",
    "SequenceEncoder",
    "WordEvidence",
    "fastest_dtype",
]
