"""Encoder and symbol head as an ONNX file: reading texts without PyTorch.

Legend: B texts, L tokens, D latent dimensions, H hidden units, K symbols.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldebm.data.tokenizer import PAD
from ldebm.errors import ConfigError, RunError
from ldebm.files import atomic_path
from ldebm.model import LDEBM
from ldebm.observation import SequenceEncoder
from ldebm.observation.heads import posterior_of

INPUTS, OUTPUTS = ("tokens", "lengths"), ("means", "variances", "symbols")
TOLERANCE = 1e-3  # between what onnxruntime and PyTorch compute, both in fp32
_OPSET = 18
_CHECKED = ("a text to check with", "another , that is somewhat longer than the first", "short")


class Reader(nn.Module):
    """`LDEBM.inferred` for padded tokens [B, L] and their lengths [B]: means [B, D], variances [B, D], p(y | x) [B, K].

    The GRU is ONNX's own operator, which reads each text to its length; everything else is traced.
    """

    weight_2GE: Tensor
    recurrence_2GH: Tensor
    bias_2G: Tensor
    temperature: Tensor

    def __init__(self, model: LDEBM) -> None:
        super().__init__()
        if not isinstance(model.encoder, SequenceEncoder):
            raise ConfigError("an ONNX file holds an encoder of sequences; this run reads bags of words")
        self.encoder, self.prior, self.words = model.encoder, model.prior, model.words
        self.register_buffer("temperature", model.temperature)
        parts = dict(model.encoder.gru.named_parameters())
        ends = ("_l0", "_l0_reverse")
        self.register_buffer("weight_2GE", torch.stack([_gates(parts[f"weight_ih{end}"]) for end in ends]))
        self.register_buffer("recurrence_2GH", torch.stack([_gates(parts[f"weight_hh{end}"]) for end in ends]))
        biases = [torch.cat([_gates(parts[f"bias_{kind}{end}"]) for kind in ("ih", "hh")]) for end in ends]
        self.register_buffer("bias_2G", torch.stack(biases))

    def forward(self, tokens_BL: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embedded_LBE = self.encoder.embedding(tokens_BL).transpose(0, 1)
        (tokens, texts), size = embedded_LBE.shape[:2], self.encoder.gru.hidden_size
        states_L2BH, last_2BH = torch.onnx.ops.symbolic_multi_out(
            "GRU",
            (embedded_LBE, self.weight_2GE, self.recurrence_2GH, self.bias_2G, lengths_B.to(torch.int32)),
            attrs={"hidden_size": size, "direction": "bidirectional", "linear_before_reset": 1},
            dtypes=(torch.float32, torch.float32),
            shapes=((tokens, 2, texts, size), (2, texts, size)),
            version=_OPSET,
        )
        features = [last_2BH[0], last_2BH[1]]
        if self.encoder.pooling:
            states_BLS = states_L2BH.permute(2, 0, 1, 3).reshape(texts, tokens, 2 * size)
            lengths_B1 = lengths_B[:, None]
            read_BL1 = (torch.arange(tokens) < lengths_B1)[..., None]
            features += [
                states_BLS.masked_fill(~read_BL1, -torch.inf).amax(1),
                (states_BLS * read_BL1).sum(1) / lengths_B1,
            ]
            features.append(lengths_B1.float().log())
        state = F.leaky_relu(torch.cat(features, -1))
        encoder = self.encoder
        posterior = posterior_of(encoder.mean(state), encoder.log_variance(state), encoder.norm, encoder.bound)
        logits_BK = self.prior.symbol_logits(posterior.mean_BD)
        if self.words is not None:
            logits_BK = logits_BK + self.words(tokens_BL)
        return posterior.mean_BD, posterior.log_variance_BD.exp(), (logits_BK / self.temperature).softmax(-1)


def export_reader(model: LDEBM, path: Path) -> Path:
    """Write what reads texts to `path` and return it, after onnxruntime has read some as PyTorch does.

    The file takes `tokens` [B, L], int64, padded with 0, and `lengths` [B], int64: what `model.tokenizer.encode(texts,
    max_length)` gives. It gives `means`, `variances` and `symbols`, float32.

    Raises ConfigError where onnxscript or onnxruntime is not installed, RunError where the two do not agree.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 (torch.onnx needs it)
    except ImportError as missing:
        raise ConfigError(
            f"an ONNX file needs {missing.name}, which is not installed: pip install 'ldebm[onnx]'"
        ) from None
    tokens_BL, lengths_B = _padded(model, _CHECKED)
    texts, tokens = torch.export.Dim("texts"), torch.export.Dim("tokens")
    with model.evaluating(torch.float32), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about its own exporter, and of what it would do with torchvision
        logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
        program = torch.onnx.export(
            Reader(model).eval(),
            (tokens_BL, lengths_B),
            dynamo=True,
            dynamic_shapes=({0: texts, 1: tokens}, {0: texts}),
            input_names=INPUTS,
            output_names=OUTPUTS,
            opset_version=_OPSET,
            verbose=False,
        )
    assert program is not None
    with atomic_path(path) as temporary:
        program.save(temporary)
        session = onnxruntime.InferenceSession(temporary)
        for some in (_CHECKED, _CHECKED[:1]):
            tokens_BL, lengths_B = _padded(model, some)
            found = session.run(OUTPUTS, {"tokens": tokens_BL.numpy(), "lengths": lengths_B.numpy()})
            for name, ours, theirs in zip(OUTPUTS, model.inferred(some), found, strict=True):
                if not np.allclose(ours, theirs, atol=TOLERANCE):
                    raise RunError(
                        f"{path} was not written: onnxruntime's {name} are {np.abs(ours - theirs).max():.2g} away from "
                        "PyTorch's; another version of onnxruntime may agree"
                    )
    return path


def _padded(model: LDEBM, texts: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    rows = [torch.tensor(ids) for ids in model.tokenizer.encode(texts, model.config.data.max_length)]
    padded_BL = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)
    return padded_BL, torch.tensor([len(row) for row in rows])


def _gates(rows: Tensor) -> Tensor:
    """PyTorch's order of a GRU's gates, reset, update and new, in ONNX's: update, reset and new."""
    reset, update, new = rows.detach().chunk(3)
    return torch.cat([update, reset, new])
