"""The trainer: it learns, resumes bit for bit, stops when asked to, and lets no bad number into the weights."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch

from ldebm import metrics_log
from ldebm.data.batches import TokenizedCorpus
from ldebm.errors import RunError, UserError
from ldebm.model import LDEBM
from ldebm.presets import config_from_yaml
from ldebm.training import NotFinite, Stopped, Trainer, train
from ldebm.training import run as run_module
from ldebm.training import trainer as trainer_module
from ldebm.training.checkpoints import newest_checkpoint
from tests import tiny

FAST = ("training.epochs=3", "training.clustering_weight=0.5", "model.decoder.word_dropout=0.2")


def digest(model):
    whole = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        whole.update(name.encode() + value.numpy().tobytes())
    return whole.hexdigest()


def trainer_of(out=None, *settings, n=120, labelled=False, preset="best-tiny"):
    corpus = tiny.corpus(n, labelled)
    config = run_module.resolve(tiny.config(*FAST, *settings, preset=preset), corpus)
    tokenizer = tiny.tokenizer()
    parts = [TokenizedCorpus.build(part, tokenizer, 20, corpus.labels) for part in (corpus.train, corpus.validation)]
    torch.manual_seed(config.seed)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    return Trainer(LDEBM(config, tokenizer), *parts, out)


def test_training_learns_and_leaves_a_run_folder(tmp_path):
    settings = ("training.epochs=20", "training.learning_rate=0.01", "training.rate_weight=0.02")
    model = train(tiny.config(*settings), tiny.corpus(300), tmp_path / "run")
    entries = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    validations = [entry for entry in entries if entry["kind"] == "validation"]
    assert validations[-1]["reconstruction"] < 0.5 * validations[0]["reconstruction"]
    for name in (
        "rate_to_reference",
        "gain",
        "gain_low_0",
        "mutual_information",
        "active_units",
        "latent_scale",
        "bleu",
    ):
        assert name in validations[-1]
    assert len(validations[-1]["latent_scale"]) == 8
    for name in ("config.yaml", "model.safetensors", "tokenizer.json", "README.md", "checkpoints"):
        assert (tmp_path / "run" / name).exists()
    again = LDEBM.from_pretrained(tmp_path / "run", "cpu")
    texts, _ = tiny.texts(20, 7)
    assert np.array_equal(model.encode(texts), again.encode(texts))
    assert model.generate(5) == again.generate(5)
    assert config_from_yaml(tmp_path / "run" / "config.yaml") == again.config


def interrupted(folder, stop_at, *settings, preset="best-tiny"):
    """A run that is sent SIGTERM in its step `stop_at`, and the trainer that goes on from there."""
    first = trainer_of(folder, *settings, preset=preset)
    original = first.step

    def step(batch):
        losses = original(batch)
        if first.step_count == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return losses

    first.step = step
    if stop_at < first.total_steps:
        with pytest.raises(Stopped) as stopped:
            first.run()
        assert stopped.value.exit_code == 143
    else:
        first.run()  # nothing is left to stop
    second = trainer_of(folder, *settings, preset=preset)
    assert second.resume() and second.step_count == stop_at
    return second


@pytest.mark.parametrize(
    "preset, by", [("best-tiny", "directions"), ("paper-tiny", "directions"), ("best-tiny", "words")]
)
@pytest.mark.parametrize("stop_at", [1, 4, 6, 12])
def test_resuming_equals_an_uninterrupted_run_bit_for_bit(tmp_path, preset, by, stop_at):
    """Four steps an epoch: stopped in the first, at its end, in the second, and at the end of the run."""
    settings = ("training.clustering_dimensions=3", f"training.clustering_by={by}")
    whole = trainer_of(tmp_path / "whole", *settings, preset=preset)
    whole.run()
    assert whole.step_count == 12
    second = interrupted(tmp_path / "parts", stop_at, *settings, preset=preset)
    second.run()
    assert digest(second.model) == digest(whole.model)
    assert digest(second.averaged) == digest(whole.averaged)
    kept = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts")]
    assert kept[0] == kept[1]
    logs = [
        [{**entry, "seconds": 0} for entry in metrics_log.read(tmp_path / name / "metrics.jsonl")]
        for name in ("whole", "parts")
    ]
    assert [entry for entry in logs[0] if entry["kind"] == "validation"] == [
        entry for entry in logs[1] if entry["kind"] == "validation"
    ]


@pytest.mark.parametrize("lost", ["nothing", "noise", "dropout", "optimiser", "labels"])
def test_the_comparison_would_notice_what_a_checkpoint_forgets(tmp_path, lost):
    whole = trainer_of(tmp_path / "whole")
    whole.run()
    second = interrupted(tmp_path / "parts", 5)
    if lost == "noise":
        second.generator.manual_seed(99)
    elif lost == "dropout":
        torch.manual_seed(99)
    elif lost == "optimiser":
        groups = second.optimiser.state_dict()["param_groups"]
        second.optimiser.load_state_dict({"state": {}, "param_groups": groups})
    elif lost == "labels":
        second.clustering.labels = None
    second.run()
    assert (digest(second.model) == digest(whole.model)) == (lost == "nothing")


def test_a_checkpoint_of_other_data_or_another_model_is_refused(tmp_path):
    trainer_of(tmp_path, "training.max_steps=2").run()
    with pytest.raises(RunError, match="made with 120 training texts, the data have 100 now"):
        trainer_of(tmp_path, n=100).resume()
    with pytest.raises(RunError, match="the checkpoint does not fit this run"):
        trainer_of(tmp_path, "model.latent_size=9").resume()


def test_a_torn_line_of_the_log_is_left_out_and_what_comes_again_is_forgotten(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 7}\n{"ste')
    assert [entry["step"] for entry in metrics_log.read(path)] == [1, 7]
    metrics_log.rewind(path, 3)
    metrics_log.append(path, {"step": 4, "loss": float("nan")})
    assert metrics_log.read(path) == [{"step": 1}, {"step": 4, "loss": None}]


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    digests = []
    for seed in (0, 0, 1):
        trainer = trainer_of(None, f"seed={seed}", "training.max_steps=3")
        trainer.run()
        digests.append(digest(trainer.model))
    assert digests[0] == digests[1] != digests[2]


def parameters_of(trainer):
    return [parameter.detach().clone() for parameter in (*trainer.model.parameters(), *trainer.averaged.parameters())]


@pytest.mark.parametrize("part", ["reconstruction", "rate", "contrast"])
def test_a_loss_that_is_not_finite_stops_before_the_weights(part):
    trainer = trainer_of()
    batch = trainer.train_corpus.batch(np.arange(8))
    trainer.step(batch)
    before = parameters_of(trainer)
    original = trainer.wrapped.forward

    def broken(*arguments):
        losses = original(*arguments)
        object.__setattr__(losses, part, losses.parts()[part] * torch.nan)
        return losses

    trainer.wrapped.forward = broken
    with pytest.raises(NotFinite, match=f"not finite, in its part {part}"):
        trainer.step(batch)
    assert all(torch.equal(mine, old) for mine, old in zip(parameters_of(trainer), before, strict=True))


def test_broken_weights_are_told_and_no_moment_takes_the_number_in():
    trainer = trainer_of()
    with torch.no_grad():
        trainer.model.encoder.mean.weight[0, 0] = torch.nan
    with pytest.raises(NotFinite, match="the loss is not finite"):
        trainer.step(trainer.train_corpus.batch(np.arange(8)))
    assert bool(trainer.model.prior.reference.covariance_DD.isfinite().all())


def test_a_gradient_that_is_not_finite_stops_before_the_weights():
    trainer = trainer_of()
    batch = trainer.train_corpus.batch(np.arange(8))
    weight = trainer.model.decoder.first.weight
    weight.register_hook(lambda grad: grad * torch.inf)
    before = weight.detach().clone()
    with pytest.raises(NotFinite, match=r"decoder\.first\.weight"):
        trainer.step(batch)
    assert torch.equal(weight, before)


def test_labels_teach_the_symbols(tmp_path):
    settings = ("training.epochs=15", "training.learning_rate=0.01", "training.energy_learning_rate=0.003")
    more = ("model.prior.steps=10", "training.supervised_weight=3")
    model = train(tiny.config(*settings, *more), tiny.corpus(300, labelled=True), tmp_path / "run")
    assert model.labels == ("negative", "positive")
    assert model.config.model.symbols == 2 and model.config.training.clustering_weight == 0
    texts, labels = tiny.texts(60, 5)
    found = [model.labels[i] for i in model.symbol_probabilities(texts).argmax(1)]
    assert np.mean([a == b for a, b in zip(found, labels, strict=True)]) > 0.9


def test_patience_and_time_end_a_run():
    patient = trainer_of(None, "training.patience=1", "training.epochs=50", "training.learning_rate=1e-9")
    patient.run()
    assert patient.step_count < 50 * patient.steps_per_epoch
    timed = trainer_of(None, "training.max_minutes=1e-9", "training.epochs=50")
    timed.run()
    assert timed.step_count == 1


def test_the_rate_costs_nothing_up_to_the_free_nats():
    def after(*settings):
        trainer = trainer_of(None, "training.max_steps=6", *settings)
        trainer.run()
        return digest(trainer.model), trainer.best

    free, best = after("training.free_nats=1e6")
    assert free == after("training.rate_weight=0")[0]
    charged, dearer = after("training.free_nats=1e-6")
    assert charged == after()[0] != free
    assert dearer > best + 1e-3  # what is free does not count when the best epoch is chosen


def test_an_occupied_folder_is_not_overwritten(tmp_path):
    settings = ("training.max_steps=2",)
    train(tiny.config(*settings), tiny.corpus(80), tmp_path / "run")
    with pytest.raises(RunError, match="already holds a run; go on with --resume"):
        train(tiny.config(*settings), tiny.corpus(80), tmp_path / "run")
    with pytest.raises(RunError, match="holds another run: model.symbols differ"):
        train(tiny.config(*settings, "model.symbols=7"), tiny.corpus(80), tmp_path / "run", resume=True)
    train(tiny.config("training.max_steps=4"), tiny.corpus(80), tmp_path / "run", resume=True)  # longer is allowed
    assert newest_checkpoint(tmp_path / "run" / "checkpoints").name.endswith("4")


def test_a_folder_of_something_else_is_left_alone_and_a_failed_start_leaves_it_free(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(RunError, match=r"is no run folder, but holds README\.md"):
        train(tiny.config("training.max_steps=1"), tiny.corpus(80), tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    with pytest.raises(UserError, match="bpe"):
        train(tiny.config("data.tokenizer=bpe", "data.vocabulary_size=10"), tiny.corpus(80), tmp_path / "run")
    train(tiny.config("training.max_steps=1"), tiny.corpus(80), tmp_path / "run")


@pytest.mark.parametrize("labelled, warned", [(False, 2), (True, 0)])
def test_symbols_are_missed_after_the_first_epoch_where_they_are_to_be_found(monkeypatch, capsys, labelled, warned):
    validate = trainer_module.validate
    monkeypatch.setattr(trainer_module, "validate", lambda *given: validate(*given) | {"largest_symbol_share": 1.0})
    trainer_of(labelled=labelled).run()
    assert capsys.readouterr().err.count("one symbol takes 100%") == warned


def test_texts_that_were_cut_are_counted(tmp_path, capsys):
    train(tiny.config("training.max_steps=1", "data.max_length=5"), tiny.corpus(80), tmp_path / "run")
    assert "of 80 texts are longer than 5 tokens and were cut" in capsys.readouterr().err


# Where two tokens' states almost tie for the maximum, rounding decides where the gradient goes.
UNPOOLED = ("model.encoder.pooling=false", "training.learning_rate=0.001")
SCRIPT = """
import sys
import torch
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.training.test_trainer import UNPOOLED, trainer_of
torch.set_num_threads(1)
dropless = ("model.encoder.dropout=0", "model.decoder.dropout=0", *UNPOOLED, "training.max_steps=10")
trainer = trainer_of(Path(sys.argv[1]), *dropless, n=119, labelled={labelled})
trainer.run()
sys.stdout.write(f"processes {{trainer.share.processes}}\\n")  # in one piece: the processes share the stream
"""


@pytest.mark.parametrize("labelled", [False, True])
def test_two_processes_train_as_one(tmp_path, labelled):
    """119 texts: the last batch of an epoch, 23 rows, is shared out unevenly."""
    root = str(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.format(root=root, labelled=labelled))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    losses = {}
    for processes in (1, 2):
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        out = tmp_path / str(processes)
        done = subprocess.run(
            [sys.executable, *launch, str(script), str(out)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert f"processes {processes}" in done.stdout
        losses[processes] = LDEBM.from_pretrained(_folder_with_config(out, labelled), "cpu").state_dict()
    start = trainer_of(None, *UNPOOLED, labelled=labelled).model.state_dict()
    for name, value in losses[1].items():
        if name.startswith("prior."):
            # Rounding decides where Adam steps for a gradient that is all but zero: parts are compared as a whole.
            way, apart = (value - start[name]).norm(), (value - losses[2][name]).norm()
            assert apart <= 0.05 * way + 1e-5, (name, float(apart), float(way))
        else:
            assert torch.allclose(value, losses[2][name], atol=5e-5), name


def _folder_with_config(out, labelled):
    trainer_of(None, labelled=labelled).model.tokenizer.save(out / "tokenizer.json")
    return out


def test_sigterm_saves_and_leaves_with_its_exit_code(tmp_path):
    csv = tmp_path / "texts.csv"
    texts, _ = tiny.texts(2000)
    csv.write_text("text\n" + "\n".join(f'"{text}"' for text in texts))
    command = [sys.executable, "-m", "ldebm", "train", str(csv), "--preset", "best-tiny", "--epochs", "500"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "run")], stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    deadline = time.monotonic() + 120
    metrics = tmp_path / "run" / "metrics.jsonl"
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert "--resume" in said and "Traceback" not in said
    assert newest_checkpoint(tmp_path / "run" / "checkpoints") is not None


def test_two_runs_in_fresh_processes_are_equal_and_a_reload_gives_equal_outputs(tmp_path):
    script = textwrap.dedent(
        """
        import sys
        import numpy as np
        from ldebm import LDEBM
        model = LDEBM.from_pretrained(sys.argv[1], "cpu")
        texts = ["the food was great", "this phone broke yesterday", "our waiter made me smile"]
        np.save(sys.argv[2], np.concatenate([model.encode(texts), model.symbol_probabilities(texts)], 1))
        print(model.generate(4, seed=3), model.reconstruct(texts))
        """
    )
    model = train(tiny.config("training.max_steps=6"), tiny.corpus(100), tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "run"), str(tmp_path / "found.npy")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    texts = ["the food was great", "this phone broke yesterday", "our waiter made me smile"]
    here = np.concatenate([model.encode(texts), model.symbol_probabilities(texts)], 1)
    assert np.array_equal(here, np.load(tmp_path / "found.npy"))
    assert done.stdout.strip() == f"{model.generate(4, seed=3)} {model.reconstruct(texts)}"
