"""Names of PyTorch that a checkpoint may use. See `allowlist` for what a permit promises."""

from __future__ import annotations

from weighbridge.formats.pickle.permit import INSTANCE, Permit, group

_REBUILD = "rebuilds a tensor from a storage that was already read"
_MODULE = "a layer of torch.nn, made without running its __init__; its forward runs only when the model is used"
_FUNCTION = "a function of torch.nn.functional, kept by a layer and called only when the model is used"
_OPTIMISER = "an optimiser or schedule of PyTorch, made without running its __init__"

_DTYPES = [
    "bfloat16",
    "bit",
    "bits16",
    "bits1x8",
    "bits2x4",
    "bits4x2",
    "bits8",
    "bool",
    "cdouble",
    "cfloat",
    "chalf",
    "complex128",
    "complex32",
    "complex64",
    "double",
    "float",
    "float16",
    "float32",
    "float4_e2m1fn_x2",
    "float64",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "half",
    "int",
    "int1",
    "int16",
    "int2",
    "int3",
    "int32",
    "int4",
    "int5",
    "int6",
    "int64",
    "int7",
    "int8",
    "long",
    "qint32",
    "qint8",
    "quint2x4",
    "quint4x2",
    "quint8",
    "short",
    "uint1",
    "uint16",
    "uint2",
    "uint3",
    "uint32",
    "uint4",
    "uint5",
    "uint6",
    "uint64",
    "uint7",
    "uint8",
]
_ELEMENTS = [
    "Float",
    "Double",
    "Half",
    "BFloat16",
    "Byte",
    "Char",
    "Short",
    "Int",
    "Long",
    "Bool",
    "ComplexFloat",
    "ComplexDouble",
]
_STORAGES = [f"{element}Storage" for element in [*_ELEMENTS, "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4"]]
_TENSORS = [f"{element}Tensor" for element in _ELEMENTS]

_LAYERS = (
    "torch.nn.modules.activation:Threshold,ReLU,RReLU,Hardtanh,ReLU6,Sigmoid,Hardsigmoid,Tanh,SiLU,Mish,Hardswish,ELU,"
    "CELU,SELU,GLU,GELU,Hardshrink,LeakyReLU,LogSigmoid,Softplus,Softshrink,MultiheadAttention,PReLU,Softsign,"
    "Tanhshrink,"
    "Softmin,Softmax,Softmax2d,LogSoftmax"
    " torch.nn.modules.adaptive:AdaptiveLogSoftmaxWithLoss"
    " torch.nn.modules.batchnorm:BatchNorm1d,BatchNorm2d,BatchNorm3d,SyncBatchNorm"
    " torch.nn.modules.channelshuffle:ChannelShuffle"
    " torch.nn.modules.container:Container,Sequential,ModuleList,ModuleDict,ParameterList,ParameterDict"
    " torch.nn.modules.conv:Conv1d,Conv2d,Conv3d,ConvTranspose1d,ConvTranspose2d,ConvTranspose3d"
    " torch.nn.modules.distance:PairwiseDistance,CosineSimilarity"
    " torch.nn.modules.dropout:Dropout,Dropout1d,Dropout2d,Dropout3d,AlphaDropout,FeatureAlphaDropout"
    " torch.nn.modules.flatten:Flatten,Unflatten"
    " torch.nn.modules.fold:Fold,Unfold"
    " torch.nn.modules.instancenorm:InstanceNorm1d,InstanceNorm2d,InstanceNorm3d"
    " torch.nn.modules.linear:Identity,Linear,NonDynamicallyQuantizableLinear,Bilinear"
    " torch.nn.modules.loss:L1Loss,NLLLoss,NLLLoss2d,PoissonNLLLoss,GaussianNLLLoss,KLDivLoss,MSELoss,BCELoss,"
    "BCEWithLogitsLoss,HingeEmbeddingLoss,MultiLabelMarginLoss,SmoothL1Loss,HuberLoss,SoftMarginLoss,CrossEntropyLoss,"
    "MultiLabelSoftMarginLoss,CosineEmbeddingLoss,MarginRankingLoss,MultiMarginLoss,TripletMarginLoss,CTCLoss"
    " torch.nn.modules.module:Module"
    " torch.nn.modules.normalization:LocalResponseNorm,CrossMapLRN2d,LayerNorm,GroupNorm,RMSNorm"
    " torch.nn.modules.padding:CircularPad1d,CircularPad2d,CircularPad3d,ConstantPad1d,ConstantPad2d,ConstantPad3d,"
    "ReflectionPad1d,ReflectionPad2d,ReflectionPad3d,ReplicationPad1d,ReplicationPad2d,ReplicationPad3d,ZeroPad1d,"
    "ZeroPad2d,ZeroPad3d"
    " torch.nn.modules.pixelshuffle:PixelShuffle,PixelUnshuffle"
    " torch.nn.modules.pooling:MaxPool1d,MaxPool2d,MaxPool3d,MaxUnpool1d,MaxUnpool2d,MaxUnpool3d,AvgPool1d,AvgPool2d,"
    "AvgPool3d,FractionalMaxPool2d,FractionalMaxPool3d,LPPool1d,LPPool2d,LPPool3d,AdaptiveMaxPool1d,AdaptiveMaxPool2d,"
    "AdaptiveMaxPool3d,AdaptiveAvgPool1d,AdaptiveAvgPool2d,AdaptiveAvgPool3d"
    " torch.nn.modules.rnn:RNNBase,RNN,LSTM,GRU,RNNCell,LSTMCell,GRUCell"
    " torch.nn.modules.sparse:Embedding,EmbeddingBag"
    " torch.nn.modules.transformer:Transformer,TransformerEncoder,TransformerDecoder,TransformerEncoderLayer,"
    "TransformerDecoderLayer"
    " torch.nn.modules.upsampling:Upsample,UpsamplingNearest2d,UpsamplingBilinear2d"
    " torch.nn.parallel.data_parallel:DataParallel"
)

_FUNCTIONS = (
    "torch.nn.functional:relu,relu_,relu6,elu,selu,celu,gelu,glu,silu,mish,hardswish,hardtanh,hardsigmoid,leaky_relu,"
    "softplus,softsign,tanhshrink,softshrink,hardshrink,logsigmoid,sigmoid,tanh,softmax,log_softmax,softmin,"
    "prelu,rrelu,"
    "threshold,linear,dropout,layer_norm,normalize,interpolate,one_hot,pad,cross_entropy,mse_loss,l1_loss,"
    "cosine_similarity,pairwise_distance,scaled_dot_product_attention"
)

_OPTIMISERS = (
    "torch.optim.adadelta:Adadelta torch.optim.adagrad:Adagrad torch.optim.adam:Adam torch.optim.adamax:Adamax"
    " torch.optim.adamw:AdamW torch.optim.asgd:ASGD torch.optim.lbfgs:LBFGS torch.optim.nadam:NAdam"
    " torch.optim.radam:RAdam torch.optim.rmsprop:RMSprop torch.optim.rprop:Rprop torch.optim.sgd:SGD"
    " torch.optim.sparse_adam:SparseAdam torch.optim.swa_utils:AveragedModel,SWALR"
    " torch.optim.lr_scheduler:LambdaLR,MultiplicativeLR,StepLR,MultiStepLR,ConstantLR,LinearLR,ExponentialLR,"
    "SequentialLR,PolynomialLR,CosineAnnealingLR,ChainedScheduler,ReduceLROnPlateau,CyclicLR,"
    "CosineAnnealingWarmRestarts,OneCycleLR"
)

TORCH: dict[tuple[str, str], Permit] = {
    **group(
        _REBUILD,
        "torch._utils:_rebuild_tensor,_rebuild_tensor_v2,_rebuild_tensor_v3,_rebuild_parameter,"
        "_rebuild_parameter_with_state,_rebuild_sparse_tensor,_rebuild_sparse_csr_tensor,_rebuild_qtensor,"
        "_rebuild_nested_tensor,_rebuild_device_tensor_from_numpy,_rebuild_device_tensor_from_cpu_tensor,"
        "_rebuild_meta_tensor_no_storage,_rebuild_wrapper_subclass,_rebuild_xla_tensor"
        " torch.nn.parameter:Parameter,Buffer,UninitializedParameter,UninitializedBuffer torch:Tensor"
        " torch._tensor:Tensor",
    ),
    **group(
        "a value of TorchScript, given back as it is",
        "torch.jit._pickle:build_intlist,build_tensorlist,build_doublelist,build_boollist,restore_type_tag",
    ),
    **group(
        "rebuilds a tensor of a subclass by the function that it is given",
        "torch._tensor:_rebuild_from_type,_rebuild_from_type_v2",
        rule="calls_first",
    ),
    **group("the type of a storage", f"torch:{','.join(_STORAGES)} torch.cuda:{','.join(_STORAGES)}"),
    **group(
        "the type of a storage, or the empty storage that loading fills",
        "torch.storage:UntypedStorage,TypedStorage,_TypedStorage,_UntypedStorage torch:UntypedStorage,TypedStorage",
    ),
    **group("the type of a tensor", f"torch:{','.join(_TENSORS)} torch.cuda:{','.join(_TENSORS)}"),
    **group("a data type of PyTorch", f"torch:{','.join(_DTYPES)}"),
    **group(
        "a plain value of PyTorch",
        "torch:Size,device,Generator,strided,sparse_coo,sparse_csr,sparse_csc,sparse_bsr,sparse_bsc,preserve_format,"
        "contiguous_format,channels_last,channels_last_3d,per_tensor_affine,per_tensor_symmetric,per_channel_affine,"
        "per_channel_symmetric,per_channel_affine_float_qparams torch.serialization:_get_layout",
    ),
    **group(
        "loads a tensor that is packed in the pickle as bytes, which are judged like a file of their own",
        "torch.storage:_load_from_bytes",
        rule="nested_torch",
    ),
    **group(_MODULE, _LAYERS, ways=INSTANCE),
    **group(_FUNCTION, _FUNCTIONS, ways=frozenset()),
    **group(_OPTIMISER, _OPTIMISERS, ways=INSTANCE),
}
