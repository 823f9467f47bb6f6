"""The paper's experiments again: what was run, what came out, and its figures."""
