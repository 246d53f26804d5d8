"""The bones of an AP hip radiograph as an average person shows them, drawn by landmarks.

Unit cm at the detector. x = 0 on the midline, growing towards image right; y = 0 at the level of the hip centres,
growing downwards. Everything is drawn for x > 0.
"""

HEAD_CENTRE = (9.3, 0.0)
HEAD_RADIUS = 2.45

# From the pubic symphysis along the pelvic brim to the sacroiliac joint, round the iliac crest, down past the
# spines and the posterior acetabular rim (which crosses the femoral head) to the ischium, and back to the pubis.
INNOMINATE = (
    (0.40, 2.4), (0.9, 1.75), (2.2, 1.5), (3.6, 1.15), (5.0, 0.2), (6.0, -1.0), (6.45, -2.3), (6.4, -3.6),
    (6.0, -4.8), (5.4, -5.6), (4.7, -6.3), (4.15, -7.5), (3.85, -8.9), (4.2, -10.3), (5.2, -11.9), (6.5, -13.2),
    (8.6, -14.4), (10.8, -14.4), (12.8, -13.2), (14.2, -11.4), (14.6, -9.9), (14.1, -8.4), (13.2, -7.0),
    (12.55, -5.6), (12.4, -4.5), (12.1, -3.5), (12.1, -2.5), (11.75, -1.6), (11.3, -0.6), (10.9, 0.6),
    (10.4, 1.8), (9.9, 2.8), (9.7, 3.6), (9.95, 4.7), (10.0, 5.7), (9.6, 7.0), (8.7, 8.0), (7.6, 8.3),
    (6.6, 7.8), (5.4, 7.0), (4.1, 6.35), (2.9, 5.95), (1.7, 5.95), (0.9, 5.9), (0.45, 5.2), (0.36, 3.8),
)  # fmt: skip
FORAMEN = (
    (2.55, 3.9), (3.2, 2.85), (4.7, 2.1), (6.1, 1.75), (7.3, 2.2), (7.85, 3.5), (7.75, 4.9), (7.05, 6.05),
    (5.9, 6.35), (4.5, 5.6), (3.3, 4.9),
)  # fmt: skip
# Shaft, lesser trochanter and calcar on the medial side; the head's arc is inserted; then neck and greater trochanter.
FEMUR_MEDIAL = (
    (11.0, 22.0), (11.5, 13.0), (11.75, 9.2), (11.3, 7.7), (10.95, 6.8), (11.25, 5.9), (11.6, 4.8), (11.3, 3.7),
    (10.75, 2.85),
)  # fmt: skip
FEMUR_LATERAL = (
    (12.1, -0.35), (12.9, 0.25), (13.5, 0.0), (14.3, -0.9), (15.3, -0.9), (15.95, 0.3), (16.1, 2.0), (15.7, 4.0),
    (15.15, 6.2), (14.8, 9.2), (14.6, 13.0), (14.1, 22.0),
)  # fmt: skip
SACRUM = (
    (0.0, -10.7), (2.6, -11.1), (4.2, -11.3), (5.2, -10.3), (5.2, -8.3), (4.7, -6.4), (3.6, -4.8), (2.6, -3.5),
    (1.6, -2.4), (0.9, -1.6), (0.65, -0.3), (0.0, 0.5),
)  # fmt: skip

Line = tuple[tuple[tuple[float, float], ...], float, float]
# Dense lines an AP view shows, as (points, width in cm, extra cortex in cm). In the innominate bone: iliopectineal and
# ilioischial line, acetabular roof, anterior rim, teardrop, sacroiliac subchondral bone, iliac crest, and the ridge
# above the acetabulum.
LINES: tuple[Line, ...] = (
    (((5.7, -6.0), (6.25, -4.6), (6.7, -3.2), (6.7, -2.0), (6.1, -0.5), (4.9, 0.65), (3.4, 1.5)), 0.38, 0.55),
    (((6.9, -3.6), (6.85, -1.6), (6.75, 0.2), (7.1, 1.4), (7.95, 2.4), (8.1, 4.4)), 0.24, 0.42),
    (((7.3, -2.0), (8.2, -2.85), (9.4, -3.15), (10.6, -2.9), (11.6, -2.1)), 0.45, 0.75),
    (((11.6, -1.9), (10.6, -0.6), (9.4, 0.5), (8.2, 1.3), (7.0, 1.65)), 0.2, 0.3),
    (((6.75, 0.6), (6.65, 1.3), (6.95, 1.65), (7.25, 1.2), (7.15, 0.2)), 0.16, 0.35),
    (((4.9, -6.6), (4.9, -8.2), (5.1, -9.6), (5.9, -11.4)), 0.35, 0.25),
    (((5.4, -11.8), (6.6, -12.95), (8.6, -14.1), (10.8, -14.1), (12.6, -12.95), (13.9, -11.3), (14.25, -9.9)), 0.5, 0.22),
    (((13.6, -8.2), (12.9, -7.0), (12.2, -5.6), (11.9, -4.2)), 0.4, 0.2),
)  # fmt: skip
# In the femur: compressive trabeculae from the calcar into the head, the tensile arcade, the trochanteric crest.
FEMUR_LINES: tuple[Line, ...] = (
    (((11.5, 4.2), (10.6, 2.0), (9.7, 0.2), (9.1, -1.9)), 1.1, 0.22),
    (((15.2, 4.0), (13.6, 1.2), (11.6, -0.2), (9.4, 0.8)), 0.6, 0.10),
    (((14.6, 0.0), (13.6, 2.6), (12.2, 5.2), (11.6, 6.6)), 0.5, 0.16),
)  # fmt: skip
# Half thickness of the bone along the ray: (x, y, spread in cm, cm). The wing alone is WING_HALF thick.
WING_HALF = 0.30
MASSES = (
    (10.0, -3.4, 1.8, 1.0), (9.8, 4.6, 1.9, 1.0), (8.6, 7.2, 1.5, 0.7), (1.6, 3.8, 1.4, 0.6), (7.2, -3.4, 1.3, 0.7),
    (6.0, -6.6, 1.5, 0.35), (4.2, -8.8, 1.1, -0.22), (10.2, -9.4, 1.9, -0.10), (4.5, 1.3, 1.6, 0.55),
    (13.4, -10.6, 1.2, 0.35), (8.0, 1.0, 1.8, 0.5), (12.6, -5.4, 1.2, 0.35), (6.6, -11.6, 1.6, 0.2),
)  # fmt: skip
# The sacrum's neural foramina: (x, y) in cm.
SACRAL_FORAMINA = ((2.2, -9.3), (1.95, -7.5), (1.7, -5.9), (1.4, -4.5))
