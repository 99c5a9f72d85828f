"""Layouts whose masks are drawn: polygons and runs in JSON and XML files."""
