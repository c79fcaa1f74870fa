"""The GRU in Caffe2."""

import numpy as np
from caffe2.proto import caffe2_pb2
from caffe2.python import brew, core, gru_cell, model_helper, optimizer, utils, workspace
from caffe2.python.modeling.initializers import ExternalInitializer, Initializer

from adapters.caffe2 import nets
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

# Caffe2's own initializers: XavierFill, as in brew's layers, also for the word vectors, for which brew has no layer.
OWN = {"init": "lecun_uniform", "bias_init": "zeros", "embedding_init": "lecun_uniform", "rnn_init": "lecun_uniform"}
GATES = ("gru/reset_gate_t", "gru/update_gate_t", "gru/output_gate_t")


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        with nets.start(network):
            self.net, self.test_net = self.build("train", testing=False), self.build("test", testing=True)
            self.net.AddGradientOperators([self.build_loss(self.net)])
            self.build_optimizer(self.net)
        nets.create(self.net, self.test_net, seed)
        self.redraw(seed, OWN)

    # Network

    def build(self, name, testing):
        """The network as a training net or a prediction net; both have their weights in the same blobs."""
        network = self.network
        net = model_helper.ModelHelper(name, init_params=not testing)
        vectors = self.embedding(net)
        state = net.param_init_net.ConstantFill([], "state", shape=[1, network.batch_size, network.hidden], value=0.0)
        _, last = gru_cell.GRU(
            net,
            vectors,
            None,
            [state],
            network.embedding,
            network.hidden,
            "gru",
            outputs_with_grads=(1,),
            forward_only=testing,
            linear_before_reset=self.settings["reset"] == "after",
        )
        brew.fc(net, net.Squeeze(last, "last", dims=[0]), "dense", network.hidden, network.classes)
        return net

    def embedding(self, net):
        """Word vectors, (tokens, batch, features). A dense gradient requires a vector of words."""
        network = self.network
        initializer = Initializer("XavierFill") if net.init_params else ExternalInitializer()
        table = net.create_param("embedding", [network.vocabulary, network.embedding], initializer)
        words = net.FlattenToVec("data", "words")
        vectors = net.Gather([table, words], "vectors", dense_gradient=self.settings["embedding_gradient"] == "dense")
        shape = [network.tokens, network.batch_size, network.embedding]
        return net.Reshape(vectors, ["sequence", "vectors_shape"], shape=shape)[0]

    # Loss

    def build_loss(self, net):
        return nets.build_loss(net, self.settings, "dense")

    # Optimizer

    def build_optimizer(self, net):
        network, (_, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        if self.settings["reset"] == "before":
            # Caffe2's cell has a second bias for every gate, which Adam would move like the first: it is kept at zero.
            for gate in GATES:
                net.param_to_grad.pop(core.BlobReference(gate + "_b"), None)
        optimizer.build_adam(net, network.learning_rate, beta1=network.beta1, beta2=network.beta2, epsilon=epsilon)
        if self.settings["adam_count"] == "one":
            count_last(net.net)

    # Step

    def feed(self, name, array):
        workspace.FeedBlob(name, array, nets.device(self.network))

    def train_step(self, x, y):
        self.feed("data", x)
        self.feed("label", y)
        # Returns when the last operator is done, on a GPU too: synchronize has nothing to wait for.
        workspace.RunNet(self.net.net)
        return workspace.FetchBlob("loss")

    # Predict

    def predict(self, x):
        self.feed("data", x)
        workspace.RunNet(self.test_net.net)
        return workspace.FetchBlob("dense")

    # Weights

    def get_weights(self):
        weights = {
            "embedding.weight": workspace.FetchBlob("embedding"),
            "gru.input_weight": workspace.FetchBlob("gru/i2h_w"),
            "gru.hidden_weight": np.concatenate([workspace.FetchBlob(gate + "_w") for gate in GATES]),
            "gru.input_bias": workspace.FetchBlob("gru/i2h_b"),
            "dense.weight": workspace.FetchBlob("dense_w").T,
            "dense.bias": workspace.FetchBlob("dense_b"),
        }
        if self.settings["reset"] == "after":
            weights["gru.hidden_bias"] = np.concatenate([workspace.FetchBlob(gate + "_b") for gate in GATES])
        return weights

    def set_weights(self, weights):
        blobs = {
            "embedding": weights["embedding.weight"],
            "gru/i2h_w": weights["gru.input_weight"],
            "gru/i2h_b": weights["gru.input_bias"],
            "dense_w": weights["dense.weight"].T,
            "dense_b": weights["dense.bias"],
        }
        blobs.update(zip([gate + "_w" for gate in GATES], np.split(weights["gru.hidden_weight"], 3)))
        if self.settings["reset"] == "after":
            blobs.update(zip([gate + "_b" for gate in GATES], np.split(weights["gru.hidden_bias"], 3)))
        for name, array in blobs.items():
            self.feed(name, np.ascontiguousarray(array, np.float32))

    # Report

    def report(self):
        operators = self.net.net.Proto().op
        kinds = [operator.type for operator in operators]
        cell = [operator.type for operator in self.step_net(operators[kinds.index("RecurrentNetwork")]).op]
        return dict(
            self.identify_initializers(),
            sequence_layout="tnc",
            compile="graph" if isinstance(self.net.net, core.Net) else "eager",
            precision=workspace.FetchBlob("embedding").dtype.name,
            embedding_gradient="sparse" if "SparseAdam" in kinds else "dense",
            rnn_kernel="cell" if "GRUUnit" in cell else "fused",
            reset="before" if cell.index("Mul") < cell.index("FC", cell.index("Sigmoid")) else "after",
            gates="sigmoid" if "Sigmoid" in cell else "hard_sigmoid",
            loss=nets.read_loss(kinds),
            **self.identify_adam(lambda gradient: nets.first_move(self.build_optimizer, gradient)),
        )

    def step_net(self, operator):
        """The net that a recurrent operator runs at each time step."""
        net = utils.ArgsToDict(operator.arg)["step_net"]
        return net if isinstance(net, caffe2_pb2.NetDef) else caffe2_pb2.NetDef.FromString(net)


def count_last(net):
    """Increment the step counter after the optimizer has read it: Adam expects the number of previous steps."""
    operators = sorted(net.Proto().op, key=lambda operator: operator.type == "AtomicIter")
    net.Proto().ClearField("op")
    net.Proto().op.extend(operators)
