"""Study of segmentation networks on sets of images with masks."""
