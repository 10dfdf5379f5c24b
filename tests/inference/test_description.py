import dataclasses

from dlflask.inference.description import ModelDescription

LOGITS = ModelDescription(
    keras_version="2.2.4",
    layers=(("flatten", "Flatten", (None, 784)), ("dense", "Dense", (None, 10))),
    num_parameters=7850,
    input_shape=(28, 28, 1),
    convention="0..255",
    samples_read=9,
    outputs="logits",
    num_classes=10,
)


def test_sentence():
    assert LOGITS.sentence() == (
        "The model was saved by Keras 2.2.4: 2 layers, 7,850 weights, input 28 x 28 x 1 with "
        "values 0..255, 10 logits, to which the service adds a softmax. It reads 9 of 10 sample "
        "digits."
    )


def test_sentence_of_unread_samples():
    doubtful = dataclasses.replace(LOGITS, keras_version="", samples_read=7)

    assert doubtful.sentence().startswith("The model was saved by an unknown Keras: ")
    assert "It reads 7 of 10 sample digits; a network" in doubtful.sentence()
    assert doubtful.is_doubtful
    assert not LOGITS.is_doubtful
