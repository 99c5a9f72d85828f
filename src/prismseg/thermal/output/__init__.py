"""What is written of frames and sessions: lists, curves, pictures, words."""
