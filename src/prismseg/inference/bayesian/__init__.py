"""Bayesian uncertainty of trained networks behind one interface: last layer, variational frequencies, ensemble."""
