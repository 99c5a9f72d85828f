"""Registries: what can be chosen by name, extensions that add to it, choices in settings and options."""

from prismseg.base.registry.registry import Registry as Registry

__all__ = ["Registry"]
