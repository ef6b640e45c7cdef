"""How is a model trained by L-BFGS, which looks at all images for each step and finds its length itself?

Each step follows the curvature that the last twenty steps have shown, as far as a line search says. So there is no
learning rate, no schedule and no batch, and the loss has to be the same whenever it is asked: no augmentation, no
dropout, no batch normalization on the statistics of a batch. One iteration stands for one epoch of the curves.

What is minimized is the loss of every other engine (class weights, label smoothing, l1, l2), with one more penalty for
`weight_decay`: half of it times the sum of all squared weights that train, biases included. Gradient descent with
decoupled decay comes to rest in the minimum of that sum.

Importing this package imports neither Keras nor SciPy.

Source: D. C. Liu and J. Nocedal, On the limited memory BFGS method (1989), as `scipy.optimize` has it.
"""
