"""Fits of the instant segmenter: against scikit-learn, against refits without a group, on planted and sparse labels."""

import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import Ridge

from prismseg.base import ConfigError, DataError
from prismseg.features import ClassStatistics
from prismseg.nets import load_model
from prismseg.train import InstantSettings, fit_instant
from prismseg.train.instant.cases import PreparedCases, part_groups, read_cells
from prismseg.train.instant.choose import (
    PREMIUM,
    TOLERANCE,
    Candidate,
    Mixture,
    Trials,
    class_weights,
    fit_candidate,
    fit_mixture,
    fit_weights,
    list_candidates,
    try_candidates,
)
from prismseg.train.instant.dice import OFFSETS
from prismseg.train.instant.gather import CellCache, gather_statistics, standardize

CLASSES = ["background", "square", "disc"]
PLAIN = InstantSettings(mirror=False, lights=(0,))
ONE_FIT = PLAIN.model_copy(update={"penalties": (1e-3,), "balances": (0.5,)})


def fit(network, samples, preprocess, settings=PLAIN, classes=CLASSES):
    return fit_instant(network, samples, classes, preprocess, settings, show_progress=False)


@torch.no_grad()
def rows_of(network, cases, chosen):
    """Inputs, one-hot targets and weights of all labelled parts of cells."""
    inputs, targets, weights = [], [], []
    for case in chosen:
        cells = read_cells(network, *cases[case], "x")
        for label, share in enumerate(cells.shares.flatten(1)):
            found = share > 0
            inputs.append(network.rows(cells.parts, found.nonzero().flatten()))
            targets.append(torch.full((int(found.sum()),), label))
            weights.append(share[found])
    return torch.cat(inputs).double(), torch.cat(targets), torch.cat(weights).double()


@pytest.mark.parametrize("options", [{}, {"image": True, "fourier": 10}])
def test_weights_are_scikit_learns_ridge_of_cells_weighted_by_area(draw, segmenter, preprocess, options):
    samples, network = draw(), segmenter(**options)
    result = fit(network, samples, preprocess, ONE_FIT)
    cases = PreparedCases(samples, preprocess, CLASSES)
    z, labels, areas = rows_of(network, cases, range(len(samples)))
    counts = torch.zeros(3, dtype=torch.double).index_add(0, labels, areas)
    power = (1 / counts) ** result.candidate.balance
    weights = (power * counts.sum() / (power * counts).sum())[labels] * areas
    penalty = result.candidate.penalty * float((weights[:, None] * z**2).sum())
    oracle = Ridge(alpha=penalty, fit_intercept=False, tol=1e-10).fit(
        z.numpy(), torch.nn.functional.one_hot(labels, 3).numpy(), sample_weight=weights.numpy()
    )
    np.testing.assert_allclose(result.network.weights, oracle.coef_.T, rtol=1e-3, atol=1e-5)


def test_features_have_variance_one_over_their_part(draw, segmenter, preprocess):
    samples, network = draw(), segmenter(image=True)
    cases = PreparedCases(samples, preprocess, CLASSES)
    standardize(network, cases, [list(range(len(samples)))])
    z = torch.cat([network.inputs(network.pad(cases[case][0][None]))[0].flatten(1) for case in range(6)], 1)
    for part, place in network.parts.items():
        if part != "constant":
            assert z[place].mean(1).abs().max() < 1e-3
            live = network.scale[place] > 0
            spread = z[place].std(1)[live] * (place.stop - place.start) ** 0.5
            torch.testing.assert_close(spread, torch.ones_like(spread), rtol=2e-3, atol=0)


def test_a_head_of_a_part_is_the_fit_without_it(draw, segmenter, preprocess):
    samples, network = draw(8), segmenter()
    result = fit(network, samples, preprocess)
    assert result.held_out.parts == [[0, 1], [2, 3], [4, 5], [6, 7]]
    cases = PreparedCases(samples, preprocess, CLASSES)
    for part, head in zip(result.held_out.parts, result.held_out.heads, strict=True):
        rest = [case for case in range(8) if case not in part]
        alone = gather_statistics(CellCache(network, cases, 0), rest, PLAIN)
        # An average of fits, in which the row of the constant has offsets besides.
        fits = fit_weights(alone, list_candidates(PLAIN))[:, :-1].flatten(1)
        shares = torch.linalg.lstsq(fits.T, head.weights[:-1].flatten()).solution
        torch.testing.assert_close(shares @ fits, head.weights[:-1].flatten(), rtol=1e-5, atol=1e-8)


def test_choices_for_a_part_ask_the_other_parts_alone(draw, segmenter, preprocess):
    network, samples = segmenter(), draw(8)
    cases = PreparedCases(samples, preprocess, CLASSES)
    cache, parts = CellCache(network, cases, 64), [[0, 1], [2, 3], [4, 5], [6, 7]]
    standardize(network, cases, parts)
    statistics = [gather_statistics(cache, part, PLAIN) for part in parts]
    trials = try_candidates(cache, parts, statistics, range(8), PLAIN)
    before = [trials.mixture(without=place) for place in range(4)]
    worst = int(trials.scores().argmin())
    trials = replace(trials, dice=trials.dice.clone())
    trials.dice[:2] = 0.0
    trials.dice[:2, worst] = 1e3  # part 0 begins to rave about what is worst
    after = [trials.mixture(without=place) for place in range(4)]
    assert after[0].candidates == before[0].candidates and torch.equal(after[0].shares, before[0].shares)
    assert all(each.candidates == [trials.candidates[worst]] for each in after[1:])


def test_a_mixture_is_the_average_of_what_its_fits_say(draw, segmenter, preprocess):
    network, samples = segmenter(), draw(4)
    cases = PreparedCases(samples, preprocess, CLASSES)
    cache = CellCache(network, cases, 64)
    standardize(network, cases, [[0, 1], [2, 3]])
    statistics = gather_statistics(cache, range(4), InstantSettings())
    candidates = [Candidate(0.0, 0.5, 1e-3), Candidate(0.3, 0.5, 1e-2), Candidate(1.0, 1.0, 1e-2)]
    shares, offsets = (
        torch.tensor([0.5, 0.3, 0.2]),
        torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.1, -0.2], [0.0, 0.3, 0.0]]),
    )
    mixed = fit_mixture(statistics, Mixture(candidates, torch.arange(3), shares, offsets))
    inputs = network.rows(cache[0].parts, torch.arange(144)).double()
    singly = [fit_candidate(statistics, candidate).predict(inputs) for candidate in candidates]
    average = sum(
        share * (outputs + offset) for share, outputs, offset in zip(shares, singly, offsets.double(), strict=True)
    )
    torch.testing.assert_close(mixed.predict(inputs), average)
    assert torch.equal(mixed.noise, fit_candidate(statistics, candidates[0]).noise)


@pytest.mark.parametrize(("cost", "light"), [(0.0, 1.0), (0.9 * PREMIUM, 1.0), (1.1 * PREMIUM, 0.3)])
def test_copies_in_another_light_weigh_as_much_as_costs_almost_nothing(cost, light):
    candidates = [Candidate(each, 0.5, penalty) for each in (0.0, 0.3, 1.0) for penalty in (1e-3, 1e-2)]
    dice = torch.full((4, 6, 1, len(OFFSETS)), 0.5)
    dice[:, 4:] -= cost
    trials = Trials(candidates, [], torch.arange(4), torch.arange(4), dice)
    assert {candidate.light for candidate in trials.mixture().candidates} == {light}
    trials.dice[1:, 1] = 0.9  # which part 0 does not say
    assert {candidate.light for candidate in trials.mixture().candidates} == {0.0}
    trials.dice[1:, 1], trials.dice[0, 1] = 0.5, 0.9
    assert trials.mixture(without=0).candidates == [Candidate(light, 0.5, 1e-2), Candidate(light, 0.5, 1e-3)]


def test_fits_share_a_mixture_by_their_dice(draw, segmenter, preprocess):
    network, samples = segmenter(), draw(4)
    cases = PreparedCases(samples, preprocess, CLASSES)
    cache, parts = CellCache(network, cases, 64), [[0, 1], [2, 3]]
    standardize(network, cases, parts)
    statistics = [gather_statistics(cache, part, PLAIN) for part in parts]
    trials = try_candidates(
        cache,
        parts,
        statistics,
        range(4),
        PLAIN.model_copy(update={"penalties": (1e-3, 1e-2, 1e-1), "balances": (0.25, 0.5)}),
    )
    dice = torch.zeros_like(trials.dice)
    dice[:, 1, :, 30] = 0.5
    dice[:, 2, :, 30] = 0.5
    dice[:, 4, :, 20] = 0.5 - 2 * TOLERANCE
    mixture = replace(trials, dice=dice).mixture()
    assert mixture.candidates == [trials.candidates[place] for place in (2, 1, 4)]
    np.testing.assert_allclose(mixture.shares, np.array([1, 1, np.exp(-2)]) / (2 + np.exp(-2)), rtol=1e-5)
    assert not mixture.offsets[:2].any() and (mixture.offsets[2, 1:] < 0).all() and mixture.offsets[2, 0] == 0


@pytest.mark.parametrize("context", [0, 20])
def test_dice_of_what_is_left_out_is_that_of_its_head(draw, segmenter, preprocess, context):
    samples = draw(6)
    result = fit(segmenter(context=context), samples, preprocess)
    assert list(dict.fromkeys(result.held_out.curve["fit"])) == ["first", "context"][: 1 + bool(context)]
    from prismseg.evaluation.metrics import case_metrics

    table = result.held_out.table.set_index(["case", "class"])["dice"]
    for part, head in zip(result.held_out.parts, result.held_out.heads, strict=True):
        network = result.network.with_head(head)
        for case in part:
            sample = samples[case]
            with torch.no_grad():
                mask = network(preprocess.image_tensor(sample.image)[None])[0].argmax(0).numpy()
            for row in case_metrics(mask, sample.mask, CLASSES):
                if row["metric"] == "dice":
                    # The cells are kept in half precision, so that a pixel at the border may fall otherwise.
                    assert abs(table[sample.id, row["class"]] - row["value"]) < 0.01


def test_a_second_fit_that_costs_dice_is_left_out(draw, segmenter, preprocess, monkeypatch, tmp_path):
    samples = draw(6)
    monkeypatch.setattr("prismseg.train.instant.fit.PREMIUM", 1.0)  # whatever it costs
    kept = fit(segmenter(context=20), samples, preprocess)
    assert kept.network.context is not None and not any("second fit" in note for note in kept.notes)
    monkeypatch.setattr("prismseg.train.instant.fit.PREMIUM", -1.0)  # none is worth that much more
    left = fit(segmenter(context=20), samples, preprocess)
    plain = fit(segmenter(context=0), samples, preprocess)
    assert any("second fit is left out" in note for note in left.notes)
    assert left.held_out.table.equals(plain.held_out.table) and set(left.held_out.curve["fit"]) == {
        "first",
        "context",
    }
    left.network.save_pretrained(tmp_path / "left")
    again = load_model(tmp_path / "left").eval()
    assert again.context is None and again.settings.options["context"] == 0
    image = preprocess.image_tensor(samples[0].image)[None]
    with torch.no_grad():
        torch.testing.assert_close(again(image), left.network(image))  # layers may be fused
        torch.testing.assert_close(again(image), plain.network(image))


def test_finds_what_was_planted_and_in_noise_the_usual_place_alone(draw, segmenter, preprocess):
    planted, noise = (
        fit(segmenter(grid=2, image=True), draw(10, contrast=contrast), preprocess).held_out
        for contrast in (4.0, 0.0)
    )
    planted, noise = (each.table.groupby("class")["dice"].mean() for each in (planted, noise))
    # Without contrast a square is guessed where squares use to lie; discs always lie at one place.
    assert planted["square"] > 0.8 and planted["square"] > noise["square"] + 0.3


def test_two_classes_have_one_logit(draw, segmenter, preprocess):
    result = fit(segmenter(2), draw(6, classes=2), preprocess, classes=CLASSES[:2])
    assert result.network.settings.classes == 1 and result.held_out.table["dice"].mean() > 0.85


def test_scribbles_give_almost_the_same(draw, segmenter, preprocess):
    samples, found = draw(8), []
    for unknown in (0.0, 0.95):
        result = fit(segmenter(), draw(8, unknown=unknown), preprocess)
        images = torch.stack([preprocess.image_tensor(sample.image) for sample in samples])
        with torch.no_grad():
            masks = result.network(images).argmax(1)
        truth = torch.from_numpy(np.stack([sample.mask for sample in samples]))
        found.append(2 * float(((masks == 1) & (truth == 1)).sum() / ((masks == 1).sum() + (truth == 1).sum())))
    assert found[0] > 0.65 and found[1] > found[0] - 0.12


def test_one_labelled_pixel_of_a_class(draw, segmenter, preprocess):
    samples = draw(6)
    for sample in samples:
        sample.mask[sample.mask == 2] = 255
    samples[0].mask[34, 33] = 2
    result = fit(segmenter(), samples, preprocess)
    assert result.network.weights.isfinite().all() and result.network.offsets.isfinite().all()
    assert result.held_out.table["dice"].notna().all()


def test_a_class_that_is_nowhere_is_said_and_never_found(draw, segmenter, preprocess):
    samples = draw(6, classes=2)
    result = fit(segmenter(), samples, preprocess)
    assert result.notes == ["No pixel is labelled as disc, so it is never found."]
    with torch.no_grad():
        noise = 3 * torch.randn(4, 1, 48, 48, generator=torch.Generator().manual_seed(0))
        found = result.network(torch.cat([noise, preprocess.image_tensor(samples[0].image)[None]])).argmax(1)
    assert not (found == 2).any() and (found == 1).any()


def test_a_class_of_one_group_alone(draw, segmenter, preprocess):
    samples = draw(6)
    for sample in samples[2:]:
        sample.mask[sample.mask == 2] = 0
    result = fit(segmenter(), samples, preprocess)
    disc = result.held_out.table.query("`class` == 'disc'").set_index("case")["dice"]
    assert (disc.iloc[:2] == 0).all() and result.network.weights.isfinite().all()


def test_one_group_has_nothing_to_leave_out(draw, segmenter, preprocess):
    result = fit(segmenter(), draw(3, per_group=3), preprocess)
    assert result.held_out is None
    assert any("one group (p0)" in note and "--group" in note for note in result.notes)
    single = fit(segmenter(), draw(1), preprocess)
    assert single.held_out is None and single.network.weights.abs().sum() > 0


def test_groups_without_a_label_leave_nothing_out(draw, segmenter, preprocess):
    samples = draw(6)
    for sample in samples[2:]:
        sample.mask[:] = 255
    assert fit(segmenter(), samples, preprocess).held_out is None


def test_more_features_than_labelled_pixels(draw, segmenter, preprocess):
    network = segmenter(fourier=400)
    result = fit(network, draw(4, unknown=0.99), preprocess)
    assert len(network.weights) > 400 and result.network.weights.isfinite().all()
    assert result.network.factor.isfinite().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.mask.fill(255), "No pixel is labelled, so"),
        (lambda s: s.mask.fill(0), "All labelled pixels are of the class 'background'"),
        (lambda s: s.image.__setitem__((3, 3), np.nan), "NaN"),
        (lambda s: s.mask.__setitem__((3, 3), 7), r"\.(npy|png) holds label 7, but there are only 3 classes"),
    ],
)
def test_samples_that_cannot_be_used(draw, segmenter, preprocess, change, message):
    samples = draw(4)
    for sample in samples:
        change(sample)
    with pytest.raises(DataError, match=message):
        fit(segmenter(), samples, preprocess)


def test_a_mask_of_another_shape_than_its_image_is_refused(draw, segmenter, preprocess):
    samples = draw(4)
    samples[2] = replace(samples[2], mask=samples[2].mask[1:])
    with pytest.raises(DataError, match=r"mask m\.npy has the shape \(47, 48\), its image \(48, 48\)"):
        fit(segmenter(), samples, preprocess)


def test_class_names_are_as_many_as_the_network_tells_apart(draw, segmenter, preprocess):
    with pytest.raises(ConfigError, match=r"2 class names \(background, square\), but the network tells 3"):
        fit(segmenter(), draw(4), preprocess, classes=("background", "square"))


def test_features_that_are_not_finite_are_named(draw, segmenter, preprocess):
    network = segmenter()
    with torch.no_grad():
        next(network.encoder.parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match=r"p0_0\.npy that are not finite"):
        fit(network, draw(4), preprocess)


def test_no_image_at_all(segmenter, preprocess):
    with pytest.raises(DataError, match="no labelled image"):
        fit(segmenter(), [], preprocess)


def test_class_weights_have_mean_one_over_the_pixels(draw, segmenter, preprocess):
    network, samples = segmenter(), draw(4)
    cases = PreparedCases(samples, preprocess, CLASSES)
    statistics = gather_statistics(CellCache(network, cases, 0), range(4), PLAIN).own
    for balance in (0.0, 0.3, 1.0):
        weights = class_weights(statistics, balance)
        assert float((weights * statistics.counts).sum()) == pytest.approx(float(statistics.counts.sum()))
        ratio = float(weights[1] / weights[0])
        assert ratio == pytest.approx(float(statistics.counts[0] / statistics.counts[1]) ** balance)
    torch.testing.assert_close(class_weights(statistics, 1.0), statistics.balanced_weights())


def test_copies_count_as_one_image(draw, segmenter, preprocess):
    network, samples = segmenter(), draw(2)
    cases = PreparedCases(samples, preprocess, CLASSES)
    cache = CellCache(network, cases, 0)
    one = gather_statistics(cache, [0], PLAIN).own
    all_copies = gather_statistics(cache, [0], PLAIN.model_copy(update={"mirror": True, "zooms": (0.5,)})).own
    mirrored = gather_statistics(cache, [0], InstantSettings())
    torch.testing.assert_close(mirrored.own.counts, one.counts)
    torch.testing.assert_close(mirrored.light.counts, one.counts)
    # A zoom of 0.5 has a quarter of the cells.
    assert float(all_copies.counts.sum()) == pytest.approx(float(one.counts.sum()) * (2 + 2 / 4) / 4, rel=0.05)


def test_memory_is_flat_in_the_number_of_images(draw, segmenter, preprocess, monkeypatch):
    """Counted while fits run: sums of classes that are alive, and bytes of cells that are kept."""
    alive: weakref.WeakSet[ClassStatistics] = weakref.WeakSet()
    made = ClassStatistics.__init__

    def watched(self, *sizes):
        made(self, *sizes)
        alive.add(self)

    monkeypatch.setattr(ClassStatistics, "__init__", watched)

    def most(count):
        highest, kept, real = [], [], read_cells

        def counted(network, *case):
            highest.append(len(alive))
            return real(network, *case)

        class Watched(CellCache):
            def __getitem__(self, case):
                cells = super().__getitem__(case)
                kept.append(sum(each.nbytes for parts in self._kept.values() for each in parts.values()))
                return cells

        monkeypatch.setattr("prismseg.train.instant.gather.read_cells", counted)
        monkeypatch.setattr("prismseg.train.instant.fit.CellCache", Watched)
        settings = InstantSettings(mirror=False, folds=3, judged=6, cache_mib=1)
        fit(segmenter(), draw(count, per_group=1), preprocess, settings)
        monkeypatch.setattr("prismseg.train.instant.gather.read_cells", real)
        return max(highest), max(kept)

    few, many = most(6), most(24)
    assert few[0] == many[0] <= 2 * (3 + 1)  # images and copies in another light: of three parts and all
    assert few[1] < many[1] <= 2**20


def test_cells_that_do_not_fit_the_cache_are_computed_again(draw, segmenter, preprocess):
    samples = draw(6)
    kept, again = (
        fit(segmenter(), samples, preprocess, ONE_FIT.model_copy(update={"cache_mib": mib})) for mib in (512, 0)
    )
    torch.testing.assert_close(kept.network.weights, again.network.weights)
    np.testing.assert_allclose(kept.held_out.curve["dice"], again.held_out.curve["dice"], atol=0.01)


def test_parts_of_groups_are_left_out_together(draw, segmenter, preprocess):
    samples = draw(8, per_group=1)
    result = fit(segmenter(), samples, preprocess, InstantSettings(mirror=False, folds=2))
    assert result.held_out.parts == part_groups([s.group for s in samples], 2)
    assert len(result.held_out.table) == 16


def test_drawn_cells_stand_for_their_class(draw, segmenter, preprocess):
    network, samples = segmenter(grid=2), draw(2)
    cache = CellCache(network, PreparedCases(samples, preprocess, CLASSES), 0)
    every, drawn = (
        gather_statistics(cache, [0, 1], PLAIN.model_copy(update={"cells": cells})).own for cells in (10**6, 40)
    )
    torch.testing.assert_close(drawn.counts, every.counts)
    # The constant is the last input: its sum over the cells of a class is the class's area.
    torch.testing.assert_close(drawn.sums[:, -1], every.sums[:, -1], rtol=1e-6, atol=0)
    assert not torch.allclose(drawn.sums, every.sums)
    again = gather_statistics(cache, [0, 1], PLAIN.model_copy(update={"cells": 40})).own
    assert torch.equal(again.grams, drawn.grams)


def test_no_class_is_lost_where_cells_are_drawn(draw, segmenter, preprocess):
    samples = draw(4)
    for sample in samples:
        sample.mask[sample.mask == 2] = 0
    samples[1].mask[40, 40] = 2
    network = segmenter(grid=2)
    result = fit(network, samples, preprocess, PLAIN.model_copy(update={"cells": 1}))
    assert not result.notes  # which would name a class without a pixel


@pytest.mark.parametrize("mib", [0, 500])
def test_threads_change_nothing_but_rounding(draw, segmenter, preprocess, mib):
    samples, found, before = draw(6), {}, torch.get_num_threads()
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found[threads] = fit(
            segmenter(context=16), samples, preprocess, PLAIN.model_copy(update={"cache_mib": mib})
        )
        torch.set_num_threads(before)
    one, three = found[1], found[3]
    assert one.candidate == three.candidate and one.held_out.parts == three.held_out.parts
    pd.testing.assert_frame_equal(one.held_out.table, three.held_out.table, atol=1e-3)
    torch.testing.assert_close(one.network.weights, three.network.weights, rtol=1e-3, atol=1e-5)
