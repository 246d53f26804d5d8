"""Methods: they learn, they round-trip, they explain wrong options."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lvcnet.errors import LvcnetError
from lvcnet.masks.overlap import iou
from lvcnet.methods import COMPARED, METHODS, Batch, Method, Optimisation, Trunk, create_method, standardise
from lvcnet.methods.base import dice_loss
from lvcnet.methods.learner import learning_rate
from lvcnet.methods.lvcnet import outline_loss
from lvcnet.methods.lvcnet_plus import found_share, masks_of_equal_area
from lvcnet.models import NETWORKS
from lvcnet.models.conventions import SETTLES_FROM
from lvcnet.models.lvcnet import LVCNetPlus
from lvcnet.models.maps import Maps
from lvcnet.training.feed import Part

CPU = torch.device("cpu")
HOW = Optimisation(precision="fp32", ema=0.5)


def _method(name, how=HOW, **options):
    torch.manual_seed(0)
    return create_method(name, Trunk(1, width=4, depth=3), options, how, CPU)


def _batch(progress=0.0):
    generator = torch.Generator().manual_seed(1)
    labels = torch.zeros(4, 1, 32, 32)
    labels[..., 8:24, 8:24] = 1
    images = 0.3 + 0.4 * labels + 0.05 * torch.rand(4, 1, 32, 32, generator=generator)
    return Batch(images, labels, torch.arange(4), progress)


WITH_DICE = replace(HOW, loss="ce+dice")
CASES = [
    ("fcn", {}),
    ("unet", {}),
    ("lvcnet", {}),
    ("lvcnet", {"generator": True}),
    ("lvcnet", {"generator": False, "evidence": 1}),
    ("lvcnet-plus", {}),
    ("lvcnet-plus", {"generator": False, "polarity": False, "displaced": False}),
    ("lvcnet-paper", {}),
    ("lvcnet-paper", {"training": "joint", "printed_losses": False}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_every_method_learns_a_square(name, options):
    method = _method(name, **options)
    first = method.step(_batch())
    for _ in range(30):
        last = method.step(_batch())
    assert last["loss"] < first["loss"]
    assert all(torch.isfinite(term) for term in last.values())
    maps = method.predict(_batch().images)
    assert maps.prediction.shape == (4, 1, 32, 32)
    assert 0 <= maps.prediction.min() <= maps.prediction.max() <= 1


@pytest.mark.parametrize("name", [name for name in METHODS if name != "lvcnet-paper"])
def test_the_loss_is_a_setting_of_every_method_but_the_printed_one(name):
    """What predicts learns by it: its term becomes larger by a Dice of at most 1 and of more than nothing."""
    plain, dice = (_method(name, how).step(_batch(0.9)) for how in (HOW, WITH_DICE))
    for term in {"relearn"} & plain.keys() or {"label"} & plain.keys() or {"loss"}:
        assert 0.05 < dice[term].item() - plain[term].item() <= 1, term
    assert plain.get("lvc") == dice.get("lvc")
    if "relearn" in plain:  # a head that says how labels scatter has to be a probability
        assert plain["label"] == dice["label"]
    printed = [_method("lvcnet-paper", how).step(_batch(0.9))["loss"] for how in (HOW, WITH_DICE)]
    assert printed[0] == printed[1]


def test_dice_by_hand():
    """Logits of 0 are 0.5: of four pixels with one label in them, 1 - 2 * 0.5 / (2 + 1); over the batch, not an image."""
    labels = torch.zeros(2, 1, 2, 2)
    labels[0, 0, 0, 0] = 1
    assert dice_loss(torch.zeros(1, 1, 2, 2), labels[:1]).item() == pytest.approx(1 - 1 / 3)
    assert dice_loss(torch.zeros(2, 1, 2, 2), labels).item() == pytest.approx(1 - 1 / 5)
    weights = torch.ones(2, 1, 2, 2)
    weights[1] = 0
    assert dice_loss(torch.zeros(2, 1, 2, 2), labels, weights).item() == pytest.approx(1 - 1 / 3)


def test_dice_of_soft_targets_is_smallest_where_the_prediction_is_them():
    """The usual p t would be smallest for p = 1."""
    target = torch.full((1, 1, 1, 1), 0.3)
    losses = [
        dice_loss(torch.logit(torch.full_like(target, p)), target).item() for p in (0.1, 0.3, 0.6, 0.99)
    ]
    assert losses[1] == pytest.approx(0, abs=1e-6)
    assert min(losses) == losses[1]


def test_a_category_that_the_batch_does_not_show_moves_nothing():
    logits = torch.zeros(2, 2, 4, 4, requires_grad=True)
    labels = torch.zeros(2, 2, 4, 4)
    labels[:, 0, :2] = 1
    dice_loss(logits, labels).backward()
    assert logits.grad[:, 0].abs().min() > 0
    assert not logits.grad[:, 1].any()
    assert dice_loss(logits, torch.zeros_like(labels)).item() == 0


@pytest.mark.parametrize("how", [HOW, WITH_DICE])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_labels_of_ignored_pixels_change_no_loss(name, options, how):
    """Two batches that differ only where nothing counts; all weights one is the same as no weights at all."""
    batch = _batch(0.05)
    weights = torch.ones_like(batch.labels)
    weights[..., 20:, :] = 0
    other = torch.where(weights > 0, batch.labels, 1 - batch.labels)
    one = _method(name, how, **options).step(replace(batch, weights=weights))
    two = _method(name, how, **options).step(replace(batch, weights=weights, labels=other))
    assert {term: value.item() for term, value in one.items()} == pytest.approx(
        {term: value.item() for term, value in two.items()}, rel=1e-6
    )
    all_count = _method(name, how, **options).step(replace(batch, weights=torch.ones_like(weights)))
    no_weights = _method(name, how, **options).step(batch)
    assert all_count["loss"].item() == pytest.approx(no_weights["loss"].item(), rel=1e-5)
    assert one["loss"].item() != pytest.approx(no_weights["loss"].item(), rel=1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_and_predicts_in_bf16(name):
    method = create_method(name, Trunk(1, width=4, depth=3), {}, Optimisation(precision="bf16"), CPU)
    assert torch.isfinite(method.step(_batch(0.9))["loss"])
    assert method.predict(_batch().images).prediction.dtype == torch.float32


@pytest.mark.parametrize("training", ["alternate", "joint", "successive"])
def test_the_printed_method_trains_in_every_order(training):
    method = _method("lvcnet-paper", training=training)
    early, late = method.step(_batch(0.1)), method.step(_batch(0.9))
    assert torch.isfinite(late["loss"])
    assert set(late) == {"loss", "warped", "guidance", "edge", "lvc", "stray"}
    assert set(early) == ({"loss", "label", "lvc", "stray"} if training == "successive" else set(late))


def test_the_printed_method_without_warps_learns_the_labels_as_they_are():
    assert set(_method("lvcnet-paper", warps=0).step(_batch(0.9))) == {"loss", "label", "lvc", "stray"}


def test_a_cue_teaches_the_trunk_of_lvcnet_nothing():
    """So one update is what alternate ones would be: the trunk learns the same with and without a generator."""
    trunks = []
    for generator in (True, False):
        method = _method("lvcnet", generator=generator)
        method.network.trunk.load_state_dict(_method("lvcnet").network.trunk.state_dict())
        for _ in range(3):
            method.step(_batch())
        trunks.append(method.network.trunk.state_dict())
    assert all(torch.equal(trunks[0][name], trunks[1][name]) for name in trunks[0])


def test_lvcnet_names_every_intermediate_map():
    maps = _method("lvcnet", generator=True, warps=2).predict(_batch().images)
    expected = {
        "edges",
        "response",
        "lvc",
        "attention",
        "guidance",
        "offsets",
        "gate",
        "trunk",
        "warp1",
        "warp2",
    }
    assert set(maps.named) == expected
    assert maps.named["offsets"].shape == (4, 1, 2, 32, 32)
    assert torch.equal(maps.named["warp2"], maps.prediction)


def _part(labels=None):
    """The images of `_batch` as a training sees all of its images."""
    batch = _batch()
    images = (255 * batch.images).round().to(torch.uint8)
    return Part(images, (batch.labels if labels is None else labels) > 0, np.arange(4))


def test_masks_of_all_images_are_made_once_when_a_training_is_so_far():
    method = _method("lvcnet-plus")
    for _ in range(3):
        method.step(_batch(0.1))
    assert method.remember(_part(), SETTLES_FROM) is None, "it is not known yet how outlines scatter"
    method.network.trust.settled.fill_(True)
    assert method.remember(_part(), SETTLES_FROM - 0.01) is None
    masks = method.remember(_part(), SETTLES_FROM)
    assert masks.shape == (4, 1, 32, 32)
    assert masks.dtype == torch.bool
    for _ in range(3):
        method.step(replace(_batch(0.5), remembered=masks.float()))
    assert torch.equal(method.remember(_part(), 0.9), masks)
    assert not {"repaired", "shares"} & set(method.weights())  # prediction does not need them


def test_labels_give_way_by_the_share_of_their_image_to_what_is_remembered():
    """Labels 1 1 0 0, remembered 0 1 1 0, share a half: the second head learns .5 1 .5 0."""
    method = _method("lvcnet-plus")
    learned = []
    method.label_term = lambda logits, targets, weights: learned.append(targets) or logits.sum() * 0
    labels, masks = torch.zeros(4, 1, 32, 32), torch.zeros(4, 1, 32, 32)
    labels[..., :2], masks[..., 1:3] = 1, 1
    method.shares = torch.tensor([[0.5], [0.0], [1.0], [0.5]])
    method.step(replace(_batch(0.5), labels=labels, remembered=masks))
    assert learned[0][:, 0, 0, :4].tolist() == [
        [0.5, 1, 0.5, 0],
        [1, 1, 0, 0],
        [0, 1, 1, 0],
        [0.5, 1, 0.5, 0],
    ]
    method.step(replace(_batch(0.1), labels=labels))
    assert torch.equal(learned[1], labels)


def test_labels_that_have_given_way_shape_the_first_head_alone():
    """So their scatter is not memorised by the features that both heads read."""
    network = _method("lvcnet-plus").network
    trunk = network.trunk(_batch().images)
    network.label_logits(trunk).sum().backward()
    learns = {name for name, value in network.named_parameters() if value.grad is not None}
    assert learns == {"trunk.head.weight", "trunk.head.bias"}
    assert torch.allclose(network.label_logits(trunk), trunk.logits, atol=1e-5)


def test_a_trunk_without_a_head_of_its_own_is_refused():
    with pytest.raises(LvcnetError, match=r"^network Identity has no `head`.*choose another network"):
        LVCNetPlus(torch.nn.Identity(), 1, (4, 8))


def test_labels_give_way_to_a_head_that_has_found_what_they_show():
    """Soft Dice: 2 * 0.625 / (1 + 1) = 0.625, half way from 0.55 to 0.7; padding has no say."""
    drawn = torch.tensor([[[[0.625, 0.375, 0.0, 0.9]]]])
    labels = torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]])
    weights = torch.tensor([[[[1.0, 1.0, 1.0, 0.0]]]])
    assert found_share(drawn, labels, weights).item() == pytest.approx(0.5)
    assert found_share(torch.zeros_like(drawn), labels).item() == 0
    assert found_share(labels, torch.zeros_like(labels)).item() == 0  # an object that this label lacks


@pytest.mark.parametrize("name", ["lvcnet", "lvcnet-plus"])
def test_edges_move_nothing_where_outlines_agree(name):
    """Trust near 0: S is Y, T is what the second head says. The same weights with trust 1 do move."""
    method = _method(name, evidence=2, agreement=0.0)
    for _ in range(30):
        method.step(_batch(0.1))
    network, images = method.learner.predictor(), _batch().images
    network.trust.slope.fill_(3.0)
    still = method.predict(images).named
    network.trust.slope.fill_(0.0)
    moved = method.predict(images).named
    assert torch.allclose(still["warp4"], still["trunk"], atol=1e-5)
    assert not torch.allclose(moved["warp4"], moved["trunk"], atol=1e-3)
    if name == "lvcnet-plus":
        assert torch.allclose(still["evidence"], torch.full_like(still["evidence"], 0.5), atol=1e-3)


def test_trust_is_counted_only_if_it_is_wanted():
    """An untrained head has no boundary yet, so it is taught a little first."""
    on, off = _method("lvcnet-plus"), _method("lvcnet-plus", trust=False)
    for _ in range(30):
        on.step(_batch(0.1))
        off.step(_batch(0.1))
    assert on.network.trust.slope.item() > 0
    assert off.network.trust.slope.item() == 0


def test_labels_give_way_as_far_as_outlines_scatter_and_the_object_was_found():
    """Outlines of one image in four are hurried. Trained long enough to be found, they are repaired, and weighed by trust."""
    method = _method("lvcnet-plus", trust=False)
    for _ in range(120):
        method.step(_batch(0.1))
    true = _batch().labels > 0
    hurried = true.clone()
    hurried[0] = hurried[0].roll(2, dims=2)
    masks = method.remember(_part(hurried.float()), 0.5)
    assert iou(masks[0].numpy(), true[0].numpy()) > iou(hurried[0].numpy(), true[0].numpy())
    drawn = method.predict(_batch().images).named["trunk"]
    assert torch.allclose(method.shares, found_share(drawn, hurried.float()), atol=0.01)  # 8 bits; trust is 1
    assert method.shares[0] < method.shares[1]
    careful = _method("lvcnet-plus")
    careful.load_weights(method.weights())
    careful.network.trust.slope.fill_(3.0)  # outlines that agree to a fraction of a pixel
    careful.network.trust.settled.fill_(True)
    careful.remember(_part(hurried.float()), 0.5)
    assert careful.shares.max() < 1e-6


def test_outline_loss_is_cross_entropy_with_the_contour():
    """Logits 1 2 2 1 against labels 0 0 1 1, whose contour is 0 1 1 0."""
    logits, labels = (
        torch.tensor(row).view(1, 1, 1, -1) for row in ([1.0, 2.0, 2.0, 1.0], [0.0, 0.0, 1.0, 1.0])
    )
    expected = (2 * math.log(1 + math.exp(-2)) + 2 * math.log(1 + math.exp(1))) / 4
    assert outline_loss(logits, labels).item() == pytest.approx(expected, rel=1e-5)


def test_masks_of_equal_area_take_back_a_shift_to_one_side():
    """Moved values rank pixels; as many of the best are foreground as were drawn, in each category by itself."""
    drawn = torch.tensor([[[0.9, 0.8, 0.7, 0.1]], [[0.6, 0.1, 0.1, 0.1]], [[0.1, 0.1, 0.1, 0.1]]]).unsqueeze(
        0
    )
    moved = torch.tensor([[[0.9, 0.6, 0.45, 0.2]], [[0.9, 0.8, 0.1, 0.1]], [[0.4, 0.2, 0.1, 0.9]]]).unsqueeze(
        0
    )
    masks = masks_of_equal_area(moved, drawn)
    assert masks.flatten(2).sum(2).tolist() == [[3, 1, 0]]
    assert masks[0, 0, 0].tolist() == [True, True, True, False]
    assert masks[0, 1, 0].tolist() == [True, False, False, False]


def test_masks_of_equal_area_of_a_saturated_prediction_are_not_the_whole_image():
    drawn = torch.tensor([[[[0.9, 0.8, 0.7, 0.1]]]])
    moved = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]]]])  # fewer pixels above zero than were drawn
    assert masks_of_equal_area(moved, drawn).flatten().tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "given", "instead"),
    [
        ("lvcnet", {"variant": "paper"}, "train lvcnet-paper or lvcnet-plus"),
        ("lvcnet-plus", {"cue": "sobel"}, "write generator=false for every edge"),
        ("lvcnet-plus", {"aligned": False}, "leave it out"),
        ("lvcnet", {"settle": 2}, "leave it out"),
        ("lvcnet-paper", {"detached": True}, "leave it out"),
    ],
)
def test_a_setting_that_is_gone_is_named_with_what_to_do_instead(name, given, instead):
    (option,) = given
    with pytest.raises(LvcnetError, match=rf"^options\.{option} is gone from {name}: {instead}"):
        METHODS[name].read_options(given)


def test_what_is_counted_does_not_depend_on_the_precision_of_the_network():
    found = []
    for precision in ("fp32", "bf16"):
        torch.manual_seed(0)
        how = Optimisation(precision=precision, ema=0.5)
        method = create_method("lvcnet-plus", Trunk(1, width=4, depth=3), {}, how, CPU)
        method.step(_batch())
        found.append((method.network.polarity.brighter, method.network.displacement.pixels))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][1] != 0


def test_the_target_of_the_second_head_does_not_depend_on_what_it_says():
    """Self-training drifts when its targets come from what it has learned of them."""
    method = _method("lvcnet-plus", generator=True)
    assert set(method.step(_batch(0.9))) == {"loss", "label", "relearn", "lvc"}
    images = _batch().images
    before = method.predict(images)
    with torch.no_grad():
        method.learner.predictor().second_head.bias.add_(5.0)
    after = method.predict(images)
    assert torch.equal(before.named["repaired"], after.named["repaired"])
    assert after.prediction.mean() > before.prediction.mean() + 0.1


def test_lvcnet_plus_shows_how_an_outline_is_repaired_and_predicts_without_it():
    method = _method("lvcnet-plus")
    maps = method.predict(_batch().images)
    assert {"trunk", "warp1", "warp4", "repaired", "second", "evidence"} <= set(maps.named)
    odds = torch.logit(maps.named["second"]) + torch.logit(maps.named["evidence"])  # Bayes' rule
    assert torch.allclose(odds.sigmoid(), maps.prediction, atol=1e-4)
    assert not torch.equal(
        maps.named["warp4"], maps.named["repaired"]
    )  # region evidence comes after the last warp
    short = method.predict(_batch().images, details=False)
    assert torch.equal(short.prediction, maps.prediction)
    assert not short.named


@pytest.mark.parametrize(
    "progress", [0.0, 0.5]
)  # at the later one LVC-Net plus has something more to remember
@pytest.mark.parametrize(("name", "options"), CASES)
def test_state_round_trip_continues_exactly(name, options, progress):
    def step(method):
        if progress and name in ("lvcnet", "lvcnet-plus"):
            method.network.trust.settled.fill_(True)
        masks = method.remember(_part(), progress)
        method.step(replace(_batch(progress), remembered=None if masks is None else masks.float()))

    first = _method(name, **options)
    step(first)
    tensors, values = first.state()
    copies = {key: value.clone() for key, value in tensors.items()}
    second = _method(name, **options)
    second.load_state(copies, values)
    step(first)
    step(second)
    for key, value in first.state()[0].items():
        assert torch.equal(value, second.state()[0][key]), key


@pytest.mark.parametrize("name", METHODS)
def test_weights_are_enough_to_predict(name):
    first = _method(name)
    for _ in range(3):
        first.step(_batch())
    second = _method(name)
    second.load_weights({key: value.clone() for key, value in first.weights().items()})
    images = _batch().images
    assert torch.equal(first.predict(images).prediction, second.predict(images).prediction)


def test_half_precision_weights_load():
    first = _method("unet")
    first.step(_batch())
    second = _method("unet")
    second.load_weights({k: v.half() if v.is_floating_point() else v for k, v in first.weights().items()})
    images = _batch().images
    assert torch.allclose(first.predict(images).prediction, second.predict(images).prediction, atol=1e-2)


def test_prediction_does_not_depend_on_exposure():
    method = _method("lvcnet")
    method.step(_batch())
    images = _batch().images
    assert torch.allclose(
        method.predict(images).prediction, method.predict(0.5 * images + 0.2).prediction, atol=1e-3
    )


def test_standardise_by_hand_and_a_flat_image_stays_finite():
    row = torch.tensor([[[[1.0, 3.0]]]])
    assert standardise(row).flatten().tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5])
    assert standardise(torch.full((1, 1, 4, 4), 0.5)).abs().max() == 0


def test_learning_rate_schedules():
    cosine = Optimisation(learning_rate=1.0)
    assert learning_rate(cosine, 0.0) == pytest.approx(1.0)
    assert learning_rate(cosine, 0.5) == pytest.approx(0.505)
    assert learning_rate(cosine, 1.0) == pytest.approx(0.01)
    assert learning_rate(Optimisation(learning_rate=1.0, schedule="constant"), 0.7) == 1.0


def test_wrong_options_are_named_with_what_is_allowed():
    with pytest.raises(LvcnetError, match=r"options\.warp:.*warps"):
        METHODS["lvcnet"].read_options({"warp": 3})
    with pytest.raises(LvcnetError, match="has no options, but warps was given"):
        _method("unet", warps=3)
    with pytest.raises(LvcnetError, match="fcn, unet, lvcnet"):
        _method("vnet")


def test_what_ships_is_compared_and_the_printed_method_is_there_when_asked_for():
    assert COMPARED == ("fcn", "unet", "lvcnet", "lvcnet-plus")
    assert "lvcnet-paper" in METHODS.own
    assert METHODS["lvcnet-paper"].title == "LVC-Net as printed"


@pytest.mark.parametrize("network", NETWORKS.own)
@pytest.mark.parametrize("name", ["unet", "lvcnet", "lvcnet-plus"])
def test_every_method_of_features_learns_on_every_network_of_the_house(name, network):
    torch.manual_seed(0)
    how = Optimisation(precision="bf16")
    method = create_method(name, Trunk(1, width=4, depth=3, network=network), {}, how, CPU)
    assert torch.isfinite(method.step(_batch(0.9))["loss"])
    assert method.predict(_batch().images).prediction.shape == (4, 1, 32, 32)


def test_a_method_on_a_network_that_it_cannot_train_says_which_it_can():
    with pytest.raises(
        LvcnetError, match="'fcn' trains a network of its own, not 'segnet': leave out network=segnet"
    ):
        create_method("fcn", Trunk(1, 4, 3, network="segnet"), {}, HOW, CPU)
    with pytest.raises(
        LvcnetError, match="network 'vnet' does not exist: choose one of unet, segnet, r2unet"
    ):
        create_method("unet", Trunk(1, 4, 3, network="vnet"), {}, HOW, CPU)


def test_lvcnet_refuses_a_network_without_encoder_stages_and_decoded_features(monkeypatch):
    monkeypatch.setitem(NETWORKS._specs, "blind", replace(NETWORKS["unet"], name="blind", features=False))
    assert create_method("unet", Trunk(1, 4, 3, network="blind"), {}, HOW, CPU).parameters() > 0
    with pytest.raises(
        LvcnetError, match=r"needs a network that offers encoder stages.*one of unet, segnet, r2unet$"
    ):
        create_method("lvcnet", Trunk(1, 4, 3, network="blind"), {}, HOW, CPU)


def test_a_method_of_one_network_needs_to_say_only_how_it_learns_and_predicts():
    class Nothing(Method):
        def step(self, batch):
            return {"loss": torch.zeros(())}

        def predict(self, images, details=True):
            return Maps(images)

    method = Nothing(torch.nn.Conv2d(1, 2, 3), HOW, CPU)
    assert method.parameters() == 20
    tensors, values = method.state()
    method.load_state(tensors, values)
    assert set(method.weights()) == {"weight", "bias"}
    with pytest.raises(TypeError, match="abstract"):
        Method(torch.nn.Conv2d(1, 2, 3), HOW, CPU)
