"""The index tables agree with each other and with the iBUG layout."""

from lpcore import points68


def test_regions_cover_every_landmark_once():
    indices = [i for region in points68.REGIONS.values() for i in region]
    assert sorted(indices) == list(range(68))
    assert all(i in points68.REGIONS[points68.REGION_OF[i]] for i in range(68))


def test_mirror_is_its_own_inverse_and_keeps_the_midline():
    assert [points68.MIRROR[points68.MIRROR[i]] for i in range(68)] == list(range(68))
    assert {i for i in range(68) if points68.MIRROR[i] == i} == {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}


def test_names_are_unique_and_follow_the_mirror():
    assert len(set(points68.NAMES)) == 68
    swap = {"L": "R", "R": "L"}
    for i, name in enumerate(points68.NAMES):
        other = points68.NAMES[points68.MIRROR[i]]
        assert other == (f"{name[:-1]}{swap[name[-1]]}" if name[-2:] in (".L", ".R") else name)


def test_mediapipe_map_is_one_to_one():
    assert len(set(points68.MEDIAPIPE_478_TO_68)) == 68
