"""Whole networks in one: how each is fed (`feed`), and the ensemble that averages their probabilities (`network`)."""
