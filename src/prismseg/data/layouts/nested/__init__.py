"""Layouts of several folders that each hold images and masks: of the parts of a split, or of patients."""
