"""Study of how well random features approximate a kernel."""
