from stream.inbound_rate import bucket


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    allowance = bucket(per_s=2, burst=3, now=0.0)
    assert [allowance.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert not allowance.take(0.4)
    assert allowance.take(0.5)
    assert not allowance.take(0.5)
    assert [allowance.take(100.0) for _ in range(4)] == [True, True, True, False]
