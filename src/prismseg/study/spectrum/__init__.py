"""Spectra of a trained network's CRFFg layers: learned frequencies, steepness, and what each band is worth."""
