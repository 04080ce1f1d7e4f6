"""Values as they stand in tables, and writes with a condition. What a program that runs as it was never needs is
loaded where it is used."""


def encode(value):
    from klotho_unit.encoding import encode

    return encode(value)


def decode(text):
    from klotho_unit.encoding import decode

    return decode(text)


def unless_refused(write):
    """Whether it was written: False where its condition does not hold."""
    from klotho.runtime.errors import ConditionFailedError

    try:
        write()
    except ConditionFailedError:
        return False
    return True
