"""A comparison image by image, its orders, and what it says first."""

from lvcnet.comparison.images import ordered_keys


def test_images_come_in_the_order_asked_for() -> None:
    scores = {"unet": {"a": 0.9, "b": 0.5, "c": 0.7}, "lvcnet": {"a": 0.8, "b": 0.6, "c": 0.9}}
    keys = ["a", "b", "c", "training"]
    assert ordered_keys(keys, scores, "data", "iou") == keys
    assert ordered_keys(keys, scores, "worst:unet", "iou") == ["b", "c", "a"]
    assert ordered_keys(keys, scores, "worst:unet", "hd95") == ["a", "c", "b"]
    assert ordered_keys(keys, scores, "gain:lvcnet", "iou") == ["c", "b", "a"]
    assert ordered_keys(keys, scores, "gain:lvcnet", "hd95") == ["a", "b", "c"]
