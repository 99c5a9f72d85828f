"""Masks: what their labels and colours stand for."""
