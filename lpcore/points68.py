"""Index tables of the 68 facial landmarks (iBUG 300-W order, 0-based).

"Right" and "left" are the subject's own: `.R` lies at image left in an unmirrored photo.
"""

from __future__ import annotations

COUNT = 68

REGIONS: dict[str, tuple[int, ...]] = {
    "jaw": tuple(range(0, 17)),
    "brow.R": tuple(range(17, 22)),
    "brow.L": tuple(range(22, 27)),
    "nose": tuple(range(27, 36)),
    "eye.R": tuple(range(36, 42)),
    "eye.L": tuple(range(42, 48)),
    "lips_outer": tuple(range(48, 60)),
    "lips_inner": tuple(range(60, 68)),
}
"""Landmark indices by face region, in drawing order; every landmark is in exactly one region."""

JAW = REGIONS["jaw"]
BROWS = REGIONS["brow.R"] + REGIONS["brow.L"]
NOSE = REGIONS["nose"]
EYE_RIGHT = REGIONS["eye.R"]
EYE_LEFT = REGIONS["eye.L"]
EYES = EYE_RIGHT + EYE_LEFT
OUTER_LIPS = REGIONS["lips_outer"]
INNER_LIPS = REGIONS["lips_inner"]
LIPS = OUTER_LIPS + INNER_LIPS

LID_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""(upper lid, lower lid) landmarks that meet when the eye closes."""

NOSE_ENDS = (27, 33)
"""Bridge and base of the nose: speech does not move them, turning the head leaves their distance."""

LIDS = (((36, 37, 38, 39), (36, 41, 40, 39)), ((42, 43, 44, 45), (42, 47, 46, 45)))
"""Right and left eye: the curves of upper and lower lid, each from image left to image right."""

JAW_SIDES = (0, 1, 2, 3, 4, 12, 13, 14, 15, 16)
"""The jaw from each ear to the height of the mouth's corners, where hair may hang beside it."""

INNER_LIP_PAIRS = ((61, 67), (62, 66), (63, 65))
"""(upper, lower) inner-lip landmarks that meet when the mouth closes."""

LIP_EDGES = ((48, 60, 61, 62, 63, 64, 54), (48, 60, 67, 66, 65, 64, 54))
"""Upper and lower lip: the curve of its inner edge, outer corner to outer corner, from image left to image right."""

OUTER_LIP_PAIRS = ((49, 59), (50, 58), (51, 57), (52, 56), (53, 55))
"""(upper, lower) outer-lip landmarks facing each other."""

LIP_FOLLOWERS = {
    49: ((61, 0.5),), 50: ((61, 0.5), (62, 0.5)), 51: ((62, 1.0),), 52: ((62, 0.5), (63, 0.5)), 53: ((63, 0.5),),
    55: ((65, 0.5),), 56: ((65, 0.5), (66, 0.5)), 57: ((66, 1.0),), 58: ((66, 0.5), (67, 0.5)), 59: ((67, 0.5),),
}  # fmt: skip
"""Outer-lip landmark -> the inner-lip landmarks it follows, each with its share, when only the lips press together."""

OUTER_EYE_CORNERS = (36, 45)

STABLE = (27, 28, 29, 30, 33, 36, 39, 42, 45)
"""Landmarks that speech does not move: used to register a face rigidly (MakeItTalk's nine points)."""

CLOSED_CURVES = (EYE_RIGHT, EYE_LEFT, OUTER_LIPS, INNER_LIPS)
OPEN_CURVES = (JAW, REGIONS["brow.R"], REGIONS["brow.L"], tuple(range(27, 31)), tuple(range(31, 36)))


def _neighbours() -> tuple[tuple[int, int], ...]:
    table: dict[int, tuple[int, int]] = {}
    for curve in (*CLOSED_CURVES, JAW, REGIONS["brow.R"], REGIONS["brow.L"], NOSE):
        for place, index in enumerate(curve):
            before, after = curve[place - 1], curve[(place + 1) % len(curve)]
            if curve not in CLOSED_CURVES:
                before = curve[1] if place == 0 else before
                after = curve[-2] if place == len(curve) - 1 else after
            table[index] = (before, after)
    return tuple(table[i] for i in range(COUNT))


CURVE_NEIGHBOURS = _neighbours()
"""The two landmarks beside each along its facial curve; the ends of open curves name their only one twice."""


def _mirror() -> tuple[int, ...]:
    pairs = [(i, 16 - i) for i in range(17)] + [(17 + i, 26 - i) for i in range(10)]
    pairs += [(i, i) for i in range(27, 31)] + [(31 + i, 35 - i) for i in range(5)]
    pairs += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (51, 51), (55, 59), (56, 58), (57, 57)]
    pairs += [(60, 64), (61, 63), (62, 62), (65, 67), (66, 66)]
    table = dict(pairs) | {b: a for a, b in pairs}
    return tuple(table[i] for i in range(COUNT))


MIRROR = _mirror()
"""`MIRROR[i]` is the landmark that takes the place of `i` in a mirrored face."""


def _names() -> tuple[str, ...]:
    right_jaw = [f"jaw_{i}.R" for i in range(1, 9)]
    right_brow = [f"brow_{part}.R" for part in ("outer", "outer_mid", "mid", "inner_mid", "inner")]
    right_eye = ["outer", "upper_outer", "upper_inner", "inner", "lower_inner", "lower_outer"]
    names = dict(enumerate(right_jaw)) | {8: "chin"}
    names |= {17 + i: name for i, name in enumerate(right_brow)}
    names |= {27 + i: f"nose_bridge_{i + 1}" for i in range(3)} | {30: "nose_tip"}
    names |= {31: "nostril_outer.R", 32: "nostril_inner.R", 33: "nose_base"}
    names |= {36 + i: f"eye_{part}.R" for i, part in enumerate(right_eye)}
    names |= {48: "lip_corner.R", 49: "lip_upper_outer.R", 50: "lip_upper_peak.R", 51: "lip_upper"}
    names |= {57: "lip_lower", 58: "lip_lower_mid.R", 59: "lip_lower_outer.R"}
    names |= {60: "lip_inner_corner.R", 61: "lip_inner_upper.R", 62: "lip_inner_upper"}
    names |= {66: "lip_inner_lower", 67: "lip_inner_lower.R"}
    for i, name in list(names.items()):
        if name.endswith(".R"):
            names[MIRROR[i]] = name[:-1] + "L"
    return tuple(names[i] for i in range(COUNT))


NAMES = _names()
"""Animator-facing landmark names; `.L`/`.R` pairs mirror in Blender."""

REGION_OF = tuple(next(region for region, indices in REGIONS.items() if i in indices) for i in range(COUNT))

MEDIAPIPE_478_TO_68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""MediaPipe face-mesh vertex for each of the 68 landmarks."""
