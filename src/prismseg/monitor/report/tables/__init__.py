"""Every number of a session as tables: CSV, Excel."""
