"""One trainer for all tasks: a step of Algorithm 1, and a run of them that can be stopped and resumed anywhere."""

from __future__ import annotations

import atexit
import math
import signal
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ldebm import metrics_log
from ldebm.data.batches import Batch, EncodedCorpus, TokenizedCorpus, bucketed, in_order
from ldebm.devices import choose_device, choose_dtype
from ldebm.errors import RunError
from ldebm.model import LDEBM
from ldebm.noise import Noise, Share
from ldebm.objective import LatentModel, Losses
from ldebm.posterior import Posterior
from ldebm.run_folder import BOARD, METRICS, write_model
from ldebm.training.allocator import give_back, keep_few_kernels, keep_large_blocks
from ldebm.training.averaging import average, averaged_copy
from ldebm.training.board import Board
from ldebm.training.checkpoints import newest_checkpoint, read_checkpoint, write_checkpoint
from ldebm.training.clustering import GeometricClustering
from ldebm.training.progress import epoch_line, say, track, warn
from ldebm.training.pseudo_labels import pseudo_labels
from ldebm.training.schedules import encoder_share, learning_rate_factor, rate_weight
from ldebm.training.state import pack, unpack
from ldebm.training.validation import validate, warnings_of
from ldebm.training.word_mixture import WordClustering

if TYPE_CHECKING:
    from accelerate import Accelerator

Clustering = GeometricClustering | WordClustering

_LOG_STEPS = 50
_CALIBRATION_ROWS = 4096


class NotFinite(RunError):
    """A loss or gradient was not a finite number; the weights are those of before the step."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}; the weights are those of before the step and the last checkpoint is whole: lower "
            "training.learning_rate or training.energy_learning_rate and train anew"
        )


class Stopped(KeyboardInterrupt):
    """The run was asked to stop (Ctrl-C, SIGTERM) and has saved a checkpoint."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("stopped; a checkpoint is saved, go on with --resume")
        self.exit_code = 128 + signal_number

    def __reduce__(self) -> tuple[type[Stopped], tuple[int]]:
        return Stopped, (self.exit_code - 128,)  # from a process of its own to the one that waits


def accelerator_for(device: str) -> Accelerator:
    """This process' place among all that train together (torchrun says), and its device."""
    from accelerate import Accelerator  # takes a second to import

    accelerator = Accelerator(cpu=choose_device(device).type == "cpu")
    if accelerator.num_processes > 1:
        atexit.register(_end_group, accelerator)
    return accelerator


def _end_group(accelerator: Accelerator) -> None:
    """Ends the group of processes before the interpreter ends, which its threads could abort after all is saved.

    DistributedDataParallel holds the group beyond its own end, so that ending the group does not wait for the threads.
    One that still lets go of the last tensors needs the interpreter: it is given the time.
    """
    if torch.distributed.is_initialized():
        accelerator.state.destroy_process_group()
        time.sleep(0.5)


class Trainer:
    """Holds the model, its averaged copy, the optimiser and where the run is.

    Args:
        model: trained in place.
        train: the corpus; may be left out where only `step` is used, with the number of steps the run will have.
        watch: called with the number of steps and the averaged model after each epoch.
    """

    def __init__(
        self,
        model: LatentModel[Any],
        train: EncodedCorpus,
        validation: EncodedCorpus | None = None,
        out: Path | None = None,
        watch: Callable[[int, LatentModel[Any]], None] | None = None,
    ) -> None:
        keep_large_blocks()
        keep_few_kernels()
        self.config = model.config.training
        self.accelerator = accelerator_for(self.config.device)
        self.share = Share(self.accelerator.process_index, self.accelerator.num_processes)
        device = self.accelerator.device
        self.model = model.to(device)
        self.dtype = choose_dtype(self.config.precision, device)
        model.set_compute_dtype(self.dtype)
        self.averaged = averaged_copy(model) if self.config.ema else model
        self.wrapped = self.accelerator.prepare_model(model)
        self.train_corpus, self.validation_corpus, self.out, self.watch = train, validation, out, watch
        prior = list(model.prior.parameters())
        rest = [each for name, each in model.named_parameters() if not name.startswith("prior.")]
        groups = [{"params": rest, "lr": self.config.learning_rate, "clip": self.config.clip}]
        if prior:
            groups.append(
                {
                    "params": prior,
                    "lr": self.config.energy_learning_rate,
                    "clip": self.config.energy_clip,
                    "weight_decay": self.config.energy_weight_decay,
                }
            )
        self.optimiser = torch.optim.Adam(groups, fused=True)
        self.base_rates = [group["lr"] for group in self.optimiser.param_groups]
        self.generator = torch.Generator().manual_seed(model.config.seed)  # on the CPU: the same on any device
        torch.manual_seed(model.config.seed + self.share.rank)  # dropout
        self.pseudo_labels_NK = None
        if isinstance(model, LDEBM) and model.words is not None and self.config.clustering_weight:
            assert isinstance(train, TokenizedCorpus)  # `train` has seen to it
            self.pseudo_labels_NK = pseudo_labels(model.words, train)
        self.clustering = self._clustering()
        self.steps_per_epoch = max(1, math.ceil(len(train) / self.config.batch_size))
        self.total_steps = self.config.epochs * self.steps_per_epoch
        if self.config.max_steps:
            self.total_steps = min(self.total_steps, self.config.max_steps)
        self.step_count = 0
        self.seconds = 0.0
        self.best = math.inf
        self.epochs_without_better = 0
        self.changed_labels = math.nan
        # Across epochs: lengths differ between batches, and a mean of few is of nothing else.
        self.recent: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_LOG_STEPS))
        self._signal = 0
        self._board: Board | None = None

    # ---- one step -------------------------------------------------------------------------------------------------

    def step(self, batch: Batch) -> Losses:
        """One update on a whole batch (every process takes its own rows of it).

        Raises NotFinite before the update where a loss or gradient is not finite, naming the part.
        """
        model, config = self.model, self.config
        model.train()
        total = len(batch)
        if self.share.processes > 1:
            batch = batch.rows(self.share.rows(total))
        taught = self.clustering.labels if self.clustering is not None else self.pseudo_labels_NK
        pseudo = None
        if taught is not None:
            pseudo = torch.from_numpy(taught[batch.index_B.numpy()]).to(self.accelerator.device)
        noise = Noise(self.generator, self.share, total)
        losses: Losses = self.wrapped(
            batch.to(self.accelerator.device), noise, encoder_share(config, self.step_count), pseudo
        )
        loss = losses.total(config, self._rate_weight(losses))
        if not bool(loss.isfinite()):
            broken = [name for name, part in losses.parts().items() if not bool(part.isfinite())]
            raise NotFinite(f"step {self.step_count}: the loss is not finite, in its part {', '.join(broken)}")
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        factor = learning_rate_factor(config, self.step_count, self.total_steps)
        norms = []
        for group, base in zip(self.optimiser.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor
            norms.append(torch.nn.utils.clip_grad_norm_(group["params"], group["clip"]))
        if not all(bool(norm.isfinite()) for norm in norms):
            broken = [
                n for n, p in model.named_parameters() if p.grad is not None and not bool(p.grad.isfinite().all())
            ]
            raise NotFinite(f"step {self.step_count}: the gradient is not finite, first in {broken[0]}")
        self.optimiser.step()
        self.step_count += 1
        if self.averaged is not self.model:
            average(self.averaged, self.model, self.config.ema, self.step_count)
        for name, norm in zip(("gradient_norm", "energy_gradient_norm"), norms, strict=False):
            losses.diagnostics[name] = norm.detach()
        return losses

    def _rate_weight(self, losses: Losses) -> float:
        """The scheduled weight; 0 while the whole batch's rate is free."""
        free, weight = self.config.free_nats, rate_weight(self.config, self.step_count)
        if free and float(self.accelerator.reduce(losses.rate.detach(), "mean")) <= free:
            return 0.0
        return weight

    @torch.no_grad()
    def _calibrate(self) -> None:
        """Give the averaged weights moments of their own: those of the moving weights do not fit them."""
        if self.averaged is self.model:
            return
        model = self.averaged.eval()
        rows = np.random.default_rng(self.model.config.seed).permutation(len(self.train_corpus))[:_CALIBRATION_ROWS]
        found, contexts = [], []
        for start in range(0, len(rows), self.config.batch_size):
            batch = self.train_corpus.batch(rows[start : start + self.config.batch_size]).to(self.accelerator.device)
            context_BC = model.context_of(batch)
            found.append(model.infer(batch, context_BC))
            contexts += [] if context_BC is None else [context_BC]
        mean_ND = torch.cat([posterior.mean_BD for posterior in found])
        log_variance_ND = torch.cat([posterior.log_variance_BD for posterior in found])
        if model.encoder.norm is not None:
            mean_ND = model.encoder.norm.recentre(mean_ND)
        model.prior.refer_to(Posterior(mean_ND, log_variance_ND), torch.cat(contexts) if contexts else None)

    # ---- a run ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Train to the end of the run (epochs, steps, minutes or patience), saving as it goes.

        Raises Stopped after Ctrl-C or SIGTERM, once a checkpoint is written.
        """
        # Only the main thread may set handlers; elsewhere (in a server) whoever runs the thread stops it.
        ours = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        previous = {number: signal.getsignal(number) for number in ours}
        if self.config.log == "tensorboard" and self.out is not None and self.accelerator.is_main_process:
            self._board = Board(self.out / BOARD, self.step_count)
        for number in previous:
            signal.signal(number, self._ask_to_stop)
        try:
            while not self._finished():
                self._epoch()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            if self._board is not None:
                self._board.close()

    def _finished(self) -> bool:
        impatient = bool(self.config.patience) and self.epochs_without_better >= self.config.patience
        (ended,) = self._agreed(self.step_count >= self.total_steps or impatient or self._out_of_time())
        return ended

    def _epoch(self) -> None:
        epoch, done = divmod(self.step_count, self.steps_per_epoch)
        if self.clustering is not None and done == 0:
            self.changed_labels = self.clustering.assign(self._seen(self.clustering) if epoch else None)
        batches = bucketed(self.train_corpus.lengths_N, self.config.batch_size, self.model.config.seed, epoch)
        sums: dict[str, float] = defaultdict(float)
        started = saved = time.monotonic()
        before, logged, stop = self.seconds, 0, False
        for index in track(batches[done:], f"epoch {epoch + 1}/{self.config.epochs}", len(batches), done):
            if len(index) < self.share.processes:
                self.step_count += 1  # too few rows for every process to have one
                continue
            losses = self.step(self.train_corpus.batch(index))
            self.seconds = before + time.monotonic() - started
            logged += 1
            for name, value in (losses.parts() | losses.diagnostics).items():
                sums[name] += (number := float(value.detach()))
                self.recent[name].append(number)
            if self.step_count % _LOG_STEPS == 0:
                give_back()
                self._log("train", {name: float(np.mean(numbers)) for name, numbers in self.recent.items()})
            due = time.monotonic() - saved > 60 * self.config.save_minutes
            stop, timed_out, due = self._agreed(bool(self._signal), self._out_of_time(), due)
            if timed_out or self.step_count >= self.total_steps or self.step_count % self.steps_per_epoch == 0:
                break  # the epoch's end belongs to its last step: nothing is saved between them
            if stop:
                self.save()
                raise Stopped(self._signal or signal.SIGTERM)
            if due:
                self.save()
                saved = time.monotonic()
        self._end_of_epoch(epoch, {name: value / max(1, logged) for name, value in sums.items()})
        self.seconds = before + time.monotonic() - started
        self.save()
        if self.watch is not None:  # outside the training's time
            self.watch(self.step_count, self.averaged)
        if stop and not self._finished():
            raise Stopped(self._signal or signal.SIGTERM)

    def _end_of_epoch(self, epoch: int, train: dict[str, float]) -> None:
        """Validate the averaged model and keep it where it is the best so far."""
        self._calibrate()
        if self.validation_corpus is not None:
            found = validate(self.averaged, self.validation_corpus, self.model.config.seed)
            # What the published form trains for a rate has no mean term: there the reconstruction alone selects.
            rate = found["rate"] if self.model.prior.has_rate else 0.0
            objective = found["reconstruction"] + self.config.rate_weight * max(0.0, rate - self.config.free_nats)
            found["objective"] = objective
            found["changed_labels"] = self.changed_labels
            self._log("validation", found)
            if objective < self.best:
                self.best, self.epochs_without_better = objective, 0
                self._keep()
            else:
                self.epochs_without_better += 1
            if self.accelerator.is_main_process:
                say(epoch_line(epoch, self.config.epochs, self.seconds, self._longest(), train, found))
                # One epoch is too little for clusters to be learned; labels may well be of one kind.
                learned = self.model.has_symbols and self.model.labels is None and epoch > 0
                for note in warnings_of(found, train, learned):
                    warn(note)
        else:
            self._keep()

    def _longest(self) -> float:
        """Seconds that the whole training takes at most, as far as can be told."""
        whole = self.seconds * self.total_steps / max(1, self.step_count)
        return min(whole, 60 * self.config.max_minutes) if self.config.max_minutes else whole

    def _keep(self) -> None:
        if self.out is not None and self.accelerator.is_main_process:
            write_model(self.averaged, self.out)

    def _clustering(self) -> Clustering | None:
        config, symbols, seed = self.config, self.model.config.model.symbols, self.model.config.seed
        if not config.clustering_weight or not self.model.has_symbols or self.pseudo_labels_NK is not None:
            return None
        if config.clustering_by != "words":
            return GeometricClustering(symbols, config.clustering_dimensions, seed, config.clustering_by)
        assert isinstance(self.train_corpus, TokenizedCorpus)  # `train` has seen to it
        return WordClustering(self.train_corpus, symbols, seed)

    @torch.no_grad()
    def _seen(self, clustering: Clustering) -> np.ndarray:
        """What a clustering looks at, of every training text under the averaged model, in rows."""
        found_NX: np.ndarray | None = None
        self.averaged.eval()
        batches = in_order(self.train_corpus.lengths_N, 2 * self.config.batch_size)
        for index in track(batches, "clustering", len(batches)):
            batch = self.train_corpus.batch(index).to(self.accelerator.device)
            context_BC = self.averaged.context_of(batch)
            posterior = self.averaged.infer(batch, context_BC)
            seen_BX = clustering.seen(self.averaged.prior, posterior, context_BC).cpu().numpy()
            if found_NX is None:
                found_NX = np.empty((len(self.train_corpus), seen_BX.shape[1]), np.float32)
            found_NX[index] = seen_BX
            if self._signal and self.share.processes == 1:
                self.save()
                raise Stopped(self._signal)
        assert found_NX is not None
        return found_NX

    # ---- saving and resuming --------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint; every process calls it, one writes. See `state` for what it holds."""
        if self.out is None:
            return
        tensors, numbers = pack(self)
        if self.accelerator.is_main_process:
            write_checkpoint(self.out / "checkpoints", tensors, numbers)

    def resume(self) -> bool:
        """Go back to the newest checkpoint of the run folder; False where there is none.

        Raises RunError where the checkpoint is damaged or does not fit.
        """
        assert self.out is not None
        path = newest_checkpoint(self.out / "checkpoints")
        if path is None:
            return False
        unpack(self, *read_checkpoint(path))
        if self.accelerator.is_main_process:
            metrics_log.rewind(self.out / METRICS, self.step_count)
        return True

    def _log(self, kind: str, values: dict[str, Any]) -> None:
        if self.out is not None and self.accelerator.is_main_process:
            entry = {"kind": kind, "step": self.step_count, "seconds": round(self.seconds, 1)}
            metrics_log.append(self.out / METRICS, entry | values)
            if self._board is not None:
                self._board.add(kind, self.step_count, values)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._signal = number

    def _out_of_time(self) -> bool:
        return bool(self.config.max_minutes) and self.seconds > 60 * self.config.max_minutes

    def _agreed(self, *flags: bool) -> list[bool]:
        """Which flags any process has raised: all must act alike, or the others would wait for ever."""
        if self.share.processes == 1:
            return list(flags)
        mine = torch.tensor([float(flag) for flag in flags], device=self.accelerator.device)
        return [bool(count > 0) for count in self.accelerator.reduce(mine, reduction="sum")]
