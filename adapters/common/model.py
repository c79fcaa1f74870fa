"""What the networks' base classes share."""

from adapters.common import initializers
from adapters.contract import model


class Model(model.Model):
    """A model whose first weights can be identified and redrawn. drawn: as in adapters.contract.network.Network."""

    drawn = {}

    def redraw(self, seed, own):
        """Draw the weights with NumPy where the requested initializer is not the one that the framework used.

        own: {setting: the framework's own choice} for every setting in `drawn`. Weights that a framework has no
        initializer for are thus the same, number by number, in every framework.
        """
        others = {name: self.settings[name] for name, choice in own.items() if self.settings[name] != choice}
        self.set_weights(initializers.redrawn(self.get_weights(), others, seed, self.drawn))

    def identify_initializers(self):
        """{setting: choice} of the settings in `drawn`, from the weights of a freshly built model."""
        return initializers.identify(self.get_weights(), self.settings, self.drawn)
