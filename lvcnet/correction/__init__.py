"""Label repair: which labels look wrong, what a method that never saw them proposes, and what was accepted.

Symbols, the same in all modules of this room:
    N       images
    C       foreground categories; each is judged on its own, as they may overlap
    K = 2   classes of a category's own problem: 0 background, 1 foreground
    H, W    pixels of the working grid (H = W = S); all distances are in pixels of it

The walk: `folds` leaves every image out of one training, `judge` compares that training's opinion with the label,
`build` does so image by image and `store` keeps the result, `apply` makes accepted proposals a label set like any
other. `agreement` compares two annotators, `edge_support` asks the image which of them it sides with, and `consensus`
unites two or more. Clean labels, where there are any, only inform: nothing is chosen by them.
"""
