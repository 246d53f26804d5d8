"""Settings of LVC-Net that runs of before have: what they are called now, and which are gone.

Until format 2 of a run's configuration, one method had three variants and a switch for each row of the ablation
(docs/method.md); now each variant is a method, with the settings that make a difference.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

GENERATOR: dict[str, bool] = {"lvcnet": True, "lvcnet-plus": True}
"""Whether a method has an LVC generator where its options say nothing. Runs of before had one, unless their cue was sobel."""
CORRECTED: dict[str, Any] = {
    "cue": "outlines",
    "attention": "lvc",
    "polarity": True,
    "displaced": True,
    "aligned": True,
    "normalised": True,
    "offsets": "guided",
    "warps": 4,
    "step": 2.0,
    "sigma": 1.25,
    "damping": 0.003,
    "agreement": 10.0,
    "evidence": 0,
    "settle": 4,
    "detached": True,
    "training": "alternate",
    "printed_losses": False,
    "relearn": False,
    "stray_weight": 0.0,
    "guidance_weight": 0.0,
    "edge_weight": 0.0,
}
PAPER: dict[str, Any] = {
    **CORRECTED,
    "printed_losses": True,
    "cue": "edges",
    "attention": "product",
    "offsets": "learned",
    "warps": 1,
    "displaced": False,
    "aligned": False,
    "sigma": 1.75,
    "damping": 0.01,
    "agreement": 0.0,
    "detached": False,
    "stray_weight": 0.1,
    "guidance_weight": 0.1,
    "edge_weight": 0.1,
}
PLUS: dict[str, Any] = {**CORRECTED, "training": "joint", "evidence": 2, "relearn": True}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "corrected": ("lvcnet", CORRECTED),
    "paper": ("lvcnet-paper", PAPER),
    "plus": ("lvcnet-plus", PLUS),
}
"""Variant -> what the method is called now, and the variant's defaults."""
INSTEAD: dict[str, str] = {
    "variant": "train lvcnet-paper or lvcnet-plus",
    "cue": "write generator=false for every edge, or train lvcnet-paper",
    "offsets": "train lvcnet-paper",
    "relearn": "train lvcnet-plus",
}
"""What to do instead of setting what is gone, where there is something."""


def gone(kept: Iterable[str]) -> dict[str, str]:
    """What a method that has the settings `kept` once had, too, and what to do instead."""
    kept = set(kept)
    return {name: INSTEAD.get(name, "leave it out") for name in ("variant", *CORRECTED) if name not in kept}


def one_method_a_variant(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a run, with the method that its variant is now and without what was as usual.

    What is gone and was not as usual stays: it tells the run apart from others.

    >>> one_method_a_variant({"method": "lvcnet", "options": {"variant": "paper", "warps": 2, "normalised": True}})
    {'method': 'lvcnet-paper', 'options': {'warps': 2}}
    >>> one_method_a_variant({"method": "lvcnet-plus", "options": {"cue": "sobel", "aligned": False}})
    {'method': 'lvcnet-plus', 'options': {'aligned': False, 'generator': False}}
    """
    options = config.get("options")
    if config.get("method") not in ("lvcnet", "lvcnet-plus") or not isinstance(options, dict):
        return config
    usual_variant = "plus" if config["method"] == "lvcnet-plus" else "corrected"
    variant = VARIANTS.get(str(options.get("variant", usual_variant)))
    if variant is None:
        return config
    method, usual = variant
    unusual = {
        name: value
        for name, value in options.items()
        if name != "variant" and (name not in usual or value != usual[name])
    }
    if method == "lvcnet" and "offsets" not in unusual:
        unusual.pop("training", None)  # where no cue teaches the trunk, the order changes nothing
    if method == "lvcnet" and "relearn" not in unusual:
        unusual.pop("settle", None)  # of the second head, which it had not
    if method in GENERATOR and unusual.get("cue") in (None, "sobel"):
        generator = unusual.pop("cue", None) is None
        # What has no data is a file of settings that a person wrote, who means what is usual now.
        trained = "data" in config
        if generator != GENERATOR[method] and (trained or not generator):
            unusual["generator"] = generator
    return {**config, "method": method, "options": unusual}


def methods_of_a_sweep(sweep: dict[str, Any]) -> dict[str, Any]:
    """A sweep's settings, `one_method_a_variant` for each of its methods, where all of them then have the same options.

    Otherwise nothing changes, and planning the sweep says which option is gone from which method.

    >>> methods_of_a_sweep({"methods": ["lvcnet"], "settings": {"epochs": 5, "options": {"variant": "paper"}}})
    {'methods': ['lvcnet-paper'], 'settings': {'epochs': 5, 'options': {}}}
    """
    methods, settings = sweep.get("methods"), sweep.get("settings")
    options = settings.get("options") if isinstance(settings, dict) else None
    if not isinstance(methods, list) or not isinstance(settings, dict) or not options:
        return sweep
    now = [one_method_a_variant({"method": method, "options": options}) for method in methods]
    if not now or any(each["options"] != now[0]["options"] for each in now):
        return sweep
    named = list(dict.fromkeys(each["method"] for each in now))
    return {**sweep, "methods": named, "settings": {**settings, "options": now[0]["options"]}}


def method_of_a_request(request: dict[str, Any]) -> dict[str, Any]:
    """A wish for a correction, as `one_method_a_variant`; the correction keeps its name, which said the method of then.

    >>> method_of_a_request(
    ...     {"dataset": "hips", "labels": "level3", "method": "lvcnet", "seed": 0, "settings": {"options": {"cue": "sobel"}}}
    ... )["name"]
    'hips-level3-lvcnet-s0'
    """
    settings = request.get("settings")
    if not isinstance(settings, dict):
        return request
    now = one_method_a_variant({"method": request.get("method"), "options": settings.get("options")})
    if now["options"] is None:
        return request
    of_then = "{dataset}-{labels}-{method}-s{seed}".format_map(defaultdict(str, request))
    settings = {**settings, "options": now["options"]}
    return {**request, "method": now["method"], "settings": settings, "name": request.get("name") or of_then}
