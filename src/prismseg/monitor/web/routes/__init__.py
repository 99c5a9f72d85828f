"""What the monitor answers: pages, JSON, pictures, downloads, the live socket."""
