import numpy as np

from colourize.evaluation import bleeding


def test_the_steepest_tenth_of_a_step_is_at_the_step():
    light = np.zeros((20, 40))
    light[:, 20:] = 50
    assert np.array_equal(np.unique(np.argwhere(bleeding.steep(light))[:, 1]), [19, 20])
    assert bleeding.steep(np.zeros((5, 4))).all() and bleeding.steep(np.zeros((1, 1))).all()


def test_bleeding_colours_are_wrong_only_at_the_edge():
    light = np.zeros((20, 40))
    light[:, 20:] = 50
    truth = np.stack([light, -light])
    blurred = truth.copy()
    blurred[:, :, 18:22] = truth.mean()
    found = bleeding.errors(blurred, truth, bleeding.steep(light))
    distances = np.hypot(*(blurred - truth))
    assert np.isclose(found.all, distances.mean()) and np.isclose(found.edges, distances[:, 19:21].mean())
    assert found.edges > 5 * found.all and bleeding.errors(truth, truth, bleeding.steep(light)) == (0, 0)
