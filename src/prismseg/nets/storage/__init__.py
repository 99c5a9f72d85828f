"""Networks on disk: where they are (`lookup`), and what their files hold (`files`)."""
