"""The demo's walk, with a tiny model and seconds of training."""

from ldebm.tasks import demo


def test_the_demo_trains_discovers_and_shows_an_earlier_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_PRESET", "best-tiny")
    first = demo.run_demo(tmp_path / "run", minutes=0.02)
    assert len(first.samples) == 10
    shares = [one.share for one in first.discovery.symbols]
    assert len(shares) == 4 and abs(sum(shares) - 1) < 1e-6
    assert {name for name, _ in first.discovery.labels} == {"movie", "product"}
    step = len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    again = demo.run_demo(tmp_path / "run", minutes=0.02)
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == step  # nothing was trained
    assert again.samples == first.samples
