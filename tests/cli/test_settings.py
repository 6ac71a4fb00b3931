import pytest

from hybridseq.cli.errors import UsageError
from hybridseq.cli.settings import read_settings, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    {
        "3": 3,
        "0.5": 0.5,
        "1e-3": 1e-3,
        "true": True,
        "False": False,
        "null": None,
        "None": None,
        "cosine": "cosine",
        "'cnn'": "cnn",
        '"3"': "3",
        "a=b": "a=b",
        "": "",
        "1+1": "1+1",
        "f()": "f()",
    }.items(),
)
def test_values_are_literals_or_text(text, value):
    assert read_value(text) == value


def test_all_keys_are_listed():
    with pytest.raises(UsageError, match="'weight_decay'") as error:
        read_settings(["x=1"], {})
    assert "callbacks" not in str(error.value)
