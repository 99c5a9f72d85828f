"""Every number and name that the rules of `prismseg.train.plan.recipe` choose by, in one place."""

from __future__ import annotations

# --- what is looked at ---------------------------------------------------------------------------------------------
SAMPLED_IMAGES = 32  # evenly spread over the data; all that the fingerprint measures is measured on them
THIN_SHARE = 0.1  # of a class's area that lies in parts thinner than its thickness

# --- size ----------------------------------------------------------------------------------------------------------
THIN_PIXELS = 3.0  # that the thickness of the thinnest class keeps after an image is reduced
# Of one image (or crop) of a step. At 20 images Dice rose with it: .55, .59, .63 (ultrasound) and .849, .863, .873
# (nuclei) at 128, 192 and 256 pixels a side, equal steps, one fold.
IMAGE_PIXELS = {"cpu": 256 * 256, "cuda": 384 * 384}
# Of a whole prepared image, which prediction takes at once.
WHOLE_PIXELS = {"cpu": 1024 * 1024, "cuda": 2048 * 2048}
SMALLEST_SIDE = 96  # of a prepared image; smaller ones are enlarged to it
SIDE_STEP = 32  # sides are multiples of it, the coarsest stride of the encoders
SAME_ASPECT = 1.25  # ratio of the widest to the narrowest shape up to which all are brought to one size
CROP_FOREGROUND = 1 / 3  # share of crops on the foreground (Isensee et al. 2021)

# --- network -------------------------------------------------------------------------------------------------------
ENCODER, WEIGHTS = "efficientnet_lite0", "imagenet"
# For an encoder that begins at half the image's grid: leads back to the whole grid. On a CPU, where its steps take about
# twice as long, only for parts thinner than so many pixels: retinal vessels .736 against .695 (0.3 pixels at 192 a side),
# hearts .911 against .915 (9 pixels at 128), one fold each.
DECODER = "wide"
FINE_PIXELS = 6.0
# With this encoder at 192 pixels a side and 20 images no layer on the skips was shown to be better or worse (crffg
# against none: ultrasound -.02 and +.03 on two folds, nuclei -.01, one seed each).
SKIP = "crffg"

# --- loss ----------------------------------------------------------------------------------------------------------
# A class of less than this share of the pixels is small. On nerves of 3 % and vessels of less (study imbalance, quick
# form: 2 seeds, 2 folds, 9 groups) no loss and no sampling differed from dice_ce by more than chance, neither in Dice
# nor in sensitivity at a precision of one half. Nor did any for vessels of the retina (study thin, quick form: 2 seeds,
# 2 folds, 10 patients): cldice -.006 (-.302 to +.291).
SMALL_SHARE = 0.05
LOSS = "dice_ce"

# --- training ------------------------------------------------------------------------------------------------------
BATCH_SIZE = 16
FEWEST_BATCH = 8  # to which a batch is cut where its images are large
STEP_PIXELS = {"cpu": 8 * 256 * 256, "cuda": 16 * 512 * 512}  # of a whole batch
# Twice as many gave nothing with 20 images (ultrasound .599 against .594 after 250 steps, nuclei .842 against .863), nor
# did 600 steps of 8 images, at the same cost: .885 against .867 and .830 against .841 (hearts, folds 0 and 2), .446
# against .410 and .447 against .488 (ultrasound, folds 1 and 2), .833 against .848 (nuclei, fold 0), one seed.
STEPS = {"cpu": 300, "cuda": 3000}
# Where the time that is stated has room for fewer steps than this of `FEWEST_BATCH` images, what costs steps gives way.
HURRIED_STEPS = {"cpu": 300, "cuda": 1500}
# With a pretrained encoder on a CPU in a hurry. 60 s of one core, 20 images, fold 0, one seed: batches of 4 instead of 8
# .883 against .865 (neurons), .837 against .821 (metal), .891 against .884 (hearts), .833 against .842 (nuclei); no layer
# on the skips instead of crffg .891 against .879 (hearts), .837 against .837 (metal), .842 against .831 (nuclei, 8).
HURRIED_BATCH = 4
HURRIED_SKIP = "none"
EPOCHS = 20  # that a run has at least, with more steps for more images
MOST_STEPS = {"cpu": 2000, "cuda": 10_000}
EVALUATIONS = 10  # in a run
LEARNING_RATE = {"pretrained": 3e-3, "random": 3e-3}
ENCODER_LR_FACTOR = 1.0  # of a pretrained encoder; 0.3 was worse (.53 against .59 on 20 ultrasound frames)
FEW_IMAGES = 150  # training images up to which the augmentation is the stronger one
# Turning and mirroring images every way ("unoriented") gave nothing even where these have no up and down (nuclei -.013,
# micrographs of metal +.004, hearts -.008, one fold each), so it waits for somebody to ask for it.
AUGMENTATION = {"few": "strong", "many": "default"}

# Of networks with a pretrained encoder. On a CPU compiling one took more than a minute of one core, a step 0.2 to 1.3 s.
COMPILE = {"cpu": "no", "cuda": "auto"}

# --- time ----------------------------------------------------------------------------------------------------------
# By which a step takes longer with `DECODER` on a CPU (measured: 2 to 3).
DECODER_COST = 2.5
# Pixels trained on in a second by one core (measured: 3.9e5 to 4.4e5) or one GPU (not measured).
PIXEL_RATE = {"cpu": 4e5, "cuda": 2e7}
# Of a stated time: the share that is planned for, since reading images and writing the network take the rest, and the
# share that evaluations may take; and the steps that it must have room for.
USED_TIME = 0.9
EVALUATION_TIME = 0.2
FEWEST_STEPS = 20
