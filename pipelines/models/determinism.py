"""The same seed and data give the same weights."""


def determined(seed: int) -> None:
    """Make TensorFlow repeat itself: for the whole process, before any layer.

    Args:
        seed: Of everything that Keras draws.
    """
    import keras
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # several models in one process are no mistake that it must warn of
    keras.utils.set_random_seed(seed)
    keras.backend.clear_session()
    tf.config.experimental.enable_op_determinism()
