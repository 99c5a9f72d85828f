"""The instant segmenter: a frozen encoder under a linear head that is fitted in closed form."""
