"""From a case to what a network is fed: preparation, memory cache, augmentation."""
