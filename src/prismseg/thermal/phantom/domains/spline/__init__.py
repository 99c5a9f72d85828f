"""Anatomical feet of cubic splines; anatomical warm and cold fields; a patient in bed."""
