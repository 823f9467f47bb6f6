"""How x is read and written: an encoder and a decoder for each kind of observation."""

from ldebm.observation.base import Decoder, Encoder
from ldebm.observation.context import ContextEncoder
from ldebm.observation.gru import fastest_dtype
from ldebm.observation.mean_norm import MeanNorm
from ldebm.observation.points import PointDecoder, PointEncoder
from ldebm.observation.sequence import SequenceDecoder, SequenceEncoder

__all__ = [
    "ContextEncoder",
    "Decoder",
    "Encoder",
    "MeanNorm",
    "PointDecoder",
    "PointEncoder",
    "SequenceDecoder",
    "SequenceEncoder",
    "fastest_dtype",
]
