"""The report as a PDF, A4."""
