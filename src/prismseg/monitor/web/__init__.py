"""The web page: pages, JSON, live picture, log-in."""
