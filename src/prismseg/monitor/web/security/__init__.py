"""Who may ask for what: hosts, users, browsers, tokens, sizes of requests, addresses that are served."""
