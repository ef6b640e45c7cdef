"""The network behind a web page: URL to view, view to database or network, result into a template, HTML out.

`tuner serve` lists runs, shows their reports as they are now, and lets a person try a run's model on an image. Nothing
is changed on disk, nothing that is sent is kept. Importing this package imports neither Django nor Keras.

Source: the lecture's slide on Django.
"""
