"""Theano's device. On a CPU these functions do nothing."""


def use(device):
    """Build on this device from now on; a GPU's memory is allocated as needed. Repeated calls do nothing."""
    if device == "cuda":
        from theano import gpuarray

        gpuarray.use("cuda")


def left_on(device, result):
    """A compiled function's result, left on the device: to copy it to the host Theano would wait for it."""
    return result.transfer(None) if device == "cuda" else result


def wait_for(device, parameters):
    """Return once the parameters are computed."""
    if device == "cuda":
        for parameter in parameters:
            parameter.get_value(borrow=True, return_internal_type=True).sync()
