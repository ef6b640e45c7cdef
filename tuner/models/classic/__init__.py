"""The architectures of the lecture, from LeNet-5 (1998) to ResNet (2015), as backbones that train from scratch."""
