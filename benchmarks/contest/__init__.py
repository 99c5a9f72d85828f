"""The contest of `benchmarks/accuracy.py`: segmenters from few images, each by its own recipe, on the same pictures."""
