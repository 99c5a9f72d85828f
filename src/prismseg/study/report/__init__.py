"""The report of a study: one page, tables and figures."""
