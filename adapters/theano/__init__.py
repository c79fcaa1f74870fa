"""Theano, the library that two adapters share: Lasagne, and Keras 2 on Theano."""
