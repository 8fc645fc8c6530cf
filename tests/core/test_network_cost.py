"""The costs of the networks against hand counts."""

from lpcore.evaluate.network_cost import costs


def test_parameters_and_operations_are_those_of_the_published_networks():
    known = {cost.name: cost for cost in costs(repeats=0)}
    assert known["generator paper"].parameters == 15_925_553
    assert known["UPD, 512"].parameters == 11_968_897
    assert 412 < known["UPD, 512"].gflop < 413.5
    assert 7.6 < known["MODNet, 256"].gflop < 7.8
    # Photo's part and frame's part together are the whole network of the published script.
    whole = known["generator paper"].gflop + known["generator paper, photo"].gflop
    assert 139.5 < whole < 141
    assert known["generator default"].gflop < known["generator paper"].gflop / 10
