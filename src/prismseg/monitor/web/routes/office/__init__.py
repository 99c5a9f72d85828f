"""Pages of those who answer for the monitor: who did what, who may log in, what becomes of a patient's data."""
