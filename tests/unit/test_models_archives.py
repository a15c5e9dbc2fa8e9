"""A saved model is data. One that carries code is refused before any of it runs."""

import pytest

from pipelines.base.catalog import FAMILIES
from pipelines.models import network

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2


@pytest.mark.parametrize("family", FAMILIES)
def test_an_archive_with_code_in_it_is_refused(family, tmp_path):
    loads = network(family)
    import keras

    code = keras.layers.Lambda(lambda x: x)
    keras.Sequential([keras.Input((1,)), code]).save(tmp_path / loads.MODEL)
    with pytest.raises(ValueError, match="unsafe"):
        loads.loaded(tmp_path / loads.MODEL)
