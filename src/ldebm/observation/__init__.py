"""How x is read and written: an encoder and a decoder for each kind of observation."""

from ldebm.observation.gru import fastest_dtype
from ldebm.observation.sequence import SequenceDecoder, SequenceEncoder

__all__ = ["SequenceDecoder", "SequenceEncoder", "fastest_dtype"]
