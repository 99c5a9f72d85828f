"""Temperature of two soles: radiometric frames, sides, nerve territories, sessions, flags. No torch."""
