"""Prediction with a trained network: predictor, files, pictures."""
