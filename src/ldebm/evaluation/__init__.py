"""Metrics: pure functions from texts, symbols and latents to one number, each with its definition, range and floor."""
