"""What a run chooses by itself: the fingerprint of the data, the rules over it, and the settings that come of them."""
