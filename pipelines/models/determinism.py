"""The same seed and data give the same weights."""

from pipelines.models import workers


def determined(seed: int) -> None:
    """Make TensorFlow and NumPy repeat themselves: for the whole process, before any layer.

    NumPy's products of matrices get one thread as TensorFlow's do: how many there are decides the last digits, and
    those beyond the cores that are free wait by spinning.

    Args:
        seed: Of everything that Keras draws.
    """
    import keras
    import tensorflow as tf
    from threadpoolctl import threadpool_limits

    workers.strategy()  # before anything that TensorFlow does
    threadpool_limits(1, "blas")
    tf.get_logger().setLevel("ERROR")  # several models in one process are no mistake that it must warn of
    keras.utils.set_random_seed(seed)
    keras.backend.clear_session()
    tf.config.experimental.enable_op_determinism()
