"""Where Theano computes. On a CPU none of this does anything."""


def use(device):
    """Put what is built from here on onto the device; a GPU's memory is taken as it is needed. Repeating it does
    nothing.
    """
    if device == "cuda":
        from theano import gpuarray

        gpuarray.use("cuda")


def left_on(device, result):
    """The result of a compiled function as it lies on the device: to hand it to the host Theano would wait for it."""
    return result.transfer(None) if device == "cuda" else result


def wait_for(device, parameters):
    """Return once the parameters are computed."""
    if device == "cuda":
        for parameter in parameters:
            parameter.get_value(borrow=True, return_internal_type=True).sync()
