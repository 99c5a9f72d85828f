"""Flags: observations about the course of a session that deserve a look."""
