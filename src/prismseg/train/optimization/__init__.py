"""What a training step is made of: losses, optimisers, schedules, averaged weights."""
