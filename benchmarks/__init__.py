"""Speed and memory, each measured beside the plain way and the arithmetic floor: `python -m benchmarks.train_step`."""
