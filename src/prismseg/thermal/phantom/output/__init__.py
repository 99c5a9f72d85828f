"""Simulated sessions on disk, contact sheets, and the comparison with real sessions."""
