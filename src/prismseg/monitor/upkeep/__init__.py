"""What a running monitor does by itself: it watches the clock, copies the store, tells how it is, and keeps a log."""
