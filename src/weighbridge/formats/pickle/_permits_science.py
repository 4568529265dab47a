"""Names of NumPy, SciPy, scikit-learn and joblib that a checkpoint may use. See `allowlist`."""

from __future__ import annotations

from weighbridge.formats.pickle.permit import INSTANCE, Permit, group

_ARRAY = "rebuilds an array from bytes in the pickle"
_RANDOM = "rebuilds a random generator from its numbers"
_ESTIMATOR = "an estimator of scikit-learn, made without running its __init__; it computes only when it is used"
_PART = "a part of scikit-learn's estimators that holds numbers and no code"
_SPARSE = "a sparse matrix of SciPy, made without running its __init__"

# What numpy.sctypeDict calls its scalar types, in both spellings of the package's core.
_SCALARS = (
    "bool,bool_,int8,int16,int32,int64,intp,intc,uint8,uint16,uint32,uint64,uintp,uintc,float16,float32,float64,"
    "longdouble,float128,complex64,complex128,clongdouble,str_,bytes_,void,datetime64,timedelta64,object_,longlong,"
    "ulonglong,int_,uint,float_,complex_,unicode_,string_"
)
_CORES = ("numpy.core", "numpy._core")
_BITS = ["MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"]

_ESTIMATORS = (
    "sklearn.calibration:CalibratedClassifierCV sklearn.cluster._affinity_propagation:AffinityPropagation "
    "sklearn.cluster._agglomerative:AgglomerativeClustering,FeatureAgglomeration "
    "sklearn.cluster._bicluster:SpectralBiclustering,SpectralCoclustering sklearn.cluster._birch:Birch "
    "sklearn.cluster._bisect_k_means:BisectingKMeans sklearn.cluster._dbscan:DBSCAN "
    "sklearn.cluster._hdbscan.hdbscan:HDBSCAN sklearn.cluster._kmeans:KMeans,MiniBatchKMeans "
    "sklearn.cluster._mean_shift:MeanShift sklearn.cluster._optics:OPTICS "
    "sklearn.cluster._spectral:SpectralClustering sklearn.compose._column_transformer:ColumnTransformer "
    "sklearn.compose._target:TransformedTargetRegressor sklearn.covariance._elliptic_envelope:EllipticEnvelope "
    "sklearn.covariance._empirical_covariance:EmpiricalCovariance sklearn.covariance._graph_lasso:GraphicalLasso,"
    "GraphicalLassoCV sklearn.covariance._robust_covariance:MinCovDet "
    "sklearn.covariance._shrunk_covariance:LedoitWolf,OAS,ShrunkCovariance "
    "sklearn.cross_decomposition._pls:CCA,PLSCanonical,PLSRegression,PLSSVD "
    "sklearn.decomposition._dict_learning:DictionaryLearning,MiniBatchDictionaryLearning,SparseCoder "
    "sklearn.decomposition._factor_analysis:FactorAnalysis sklearn.decomposition._fastica:FastICA "
    "sklearn.decomposition._incremental_pca:IncrementalPCA sklearn.decomposition._kernel_pca:KernelPCA "
    "sklearn.decomposition._lda:LatentDirichletAllocation sklearn.decomposition._nmf:MiniBatchNMF,NMF "
    "sklearn.decomposition._pca:PCA sklearn.decomposition._sparse_pca:MiniBatchSparsePCA,SparsePCA "
    "sklearn.decomposition._truncated_svd:TruncatedSVD sklearn.discriminant_analysis:LinearDiscriminantAnalysis,"
    "QuadraticDiscriminantAnalysis sklearn.dummy:DummyClassifier,DummyRegressor "
    "sklearn.ensemble._bagging:BaggingClassifier,BaggingRegressor sklearn.ensemble._forest:ExtraTreesClassifier,"
    "ExtraTreesRegressor,RandomForestClassifier,RandomForestRegressor,RandomTreesEmbedding "
    "sklearn.ensemble._gb:GradientBoostingClassifier,GradientBoostingRegressor "
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting:HistGradientBoostingClassifier,"
    "HistGradientBoostingRegressor sklearn.ensemble._iforest:IsolationForest "
    "sklearn.ensemble._stacking:StackingClassifier,StackingRegressor sklearn.ensemble._voting:VotingClassifier,"
    "VotingRegressor sklearn.ensemble._weight_boosting:AdaBoostClassifier,AdaBoostRegressor "
    "sklearn.feature_extraction._dict_vectorizer:DictVectorizer sklearn.feature_extraction._hash:FeatureHasher "
    "sklearn.feature_extraction.image:PatchExtractor sklearn.feature_extraction.text:CountVectorizer,"
    "HashingVectorizer,TfidfTransformer,TfidfVectorizer sklearn.feature_selection._from_model:SelectFromModel "
    "sklearn.feature_selection._rfe:RFE,RFECV sklearn.feature_selection._sequential:SequentialFeatureSelector "
    "sklearn.feature_selection._univariate_selection:GenericUnivariateSelect,SelectFdr,SelectFpr,SelectFwe,"
    "SelectKBest,SelectPercentile sklearn.feature_selection._variance_threshold:VarianceThreshold "
    "sklearn.frozen._frozen:FrozenEstimator sklearn.gaussian_process._gpc:GaussianProcessClassifier "
    "sklearn.gaussian_process._gpr:GaussianProcessRegressor sklearn.impute._base:MissingIndicator,SimpleImputer "
    "sklearn.impute._knn:KNNImputer sklearn.isotonic:IsotonicRegression "
    "sklearn.kernel_approximation:AdditiveChi2Sampler,Nystroem,PolynomialCountSketch,RBFSampler,"
    "SkewedChi2Sampler sklearn.kernel_ridge:KernelRidge sklearn.linear_model._base:LinearRegression "
    "sklearn.linear_model._bayes:ARDRegression,BayesianRidge "
    "sklearn.linear_model._coordinate_descent:ElasticNet,ElasticNetCV,Lasso,LassoCV,MultiTaskElasticNet,"
    "MultiTaskElasticNetCV,MultiTaskLasso,MultiTaskLassoCV sklearn.linear_model._glm.glm:GammaRegressor,"
    "PoissonRegressor,TweedieRegressor sklearn.linear_model._huber:HuberRegressor "
    "sklearn.linear_model._least_angle:Lars,LarsCV,LassoLars,LassoLarsCV,LassoLarsIC "
    "sklearn.linear_model._logistic:LogisticRegression,LogisticRegressionCV "
    "sklearn.linear_model._omp:OrthogonalMatchingPursuit,OrthogonalMatchingPursuitCV "
    "sklearn.linear_model._passive_aggressive:PassiveAggressiveClassifier,PassiveAggressiveRegressor "
    "sklearn.linear_model._perceptron:Perceptron sklearn.linear_model._quantile:QuantileRegressor "
    "sklearn.linear_model._ransac:RANSACRegressor sklearn.linear_model._ridge:Ridge,RidgeCV,RidgeClassifier,"
    "RidgeClassifierCV sklearn.linear_model._stochastic_gradient:SGDClassifier,SGDOneClassSVM,SGDRegressor "
    "sklearn.linear_model._theil_sen:TheilSenRegressor sklearn.manifold._classical_mds:ClassicalMDS "
    "sklearn.manifold._isomap:Isomap sklearn.manifold._locally_linear:LocallyLinearEmbedding "
    "sklearn.manifold._mds:MDS sklearn.manifold._spectral_embedding:SpectralEmbedding "
    "sklearn.manifold._t_sne:TSNE sklearn.mixture._bayesian_mixture:BayesianGaussianMixture "
    "sklearn.mixture._gaussian_mixture:GaussianMixture "
    "sklearn.model_selection._classification_threshold:FixedThresholdClassifier,TunedThresholdClassifierCV "
    "sklearn.model_selection._search:GridSearchCV,RandomizedSearchCV sklearn.multiclass:OneVsOneClassifier,"
    "OneVsRestClassifier,OutputCodeClassifier sklearn.multioutput:ClassifierChain,MultiOutputClassifier,"
    "MultiOutputRegressor,RegressorChain sklearn.naive_bayes:BernoulliNB,CategoricalNB,ComplementNB,"
    "GaussianNB,MultinomialNB sklearn.neighbors._classification:KNeighborsClassifier,RadiusNeighborsClassifier "
    "sklearn.neighbors._graph:KNeighborsTransformer,RadiusNeighborsTransformer "
    "sklearn.neighbors._kde:KernelDensity sklearn.neighbors._lof:LocalOutlierFactor "
    "sklearn.neighbors._nca:NeighborhoodComponentsAnalysis sklearn.neighbors._nearest_centroid:NearestCentroid "
    "sklearn.neighbors._regression:KNeighborsRegressor,RadiusNeighborsRegressor "
    "sklearn.neighbors._unsupervised:NearestNeighbors "
    "sklearn.neural_network._multilayer_perceptron:MLPClassifier,MLPRegressor "
    "sklearn.neural_network._rbm:BernoulliRBM sklearn.pipeline:FeatureUnion,Pipeline "
    "sklearn.preprocessing._data:Binarizer,KernelCenterer,MaxAbsScaler,MinMaxScaler,Normalizer,"
    "PowerTransformer,QuantileTransformer,RobustScaler,StandardScaler "
    "sklearn.preprocessing._discretization:KBinsDiscretizer sklearn.preprocessing._encoders:OneHotEncoder,"
    "OrdinalEncoder sklearn.preprocessing._function_transformer:FunctionTransformer "
    "sklearn.preprocessing._label:LabelBinarizer,LabelEncoder,MultiLabelBinarizer "
    "sklearn.preprocessing._polynomial:PolynomialFeatures,SplineTransformer "
    "sklearn.preprocessing._target_encoder:TargetEncoder sklearn.random_projection:GaussianRandomProjection,"
    "SparseRandomProjection sklearn.semi_supervised._label_propagation:LabelPropagation,LabelSpreading "
    "sklearn.semi_supervised._self_training:SelfTrainingClassifier sklearn.svm._classes:LinearSVC,LinearSVR,"
    "NuSVC,NuSVR,OneClassSVM,SVC,SVR sklearn.tree._classes:DecisionTreeClassifier,DecisionTreeRegressor,"
    "ExtraTreeClassifier,ExtraTreeRegressor "
)

_PARTS = (
    "sklearn._loss.loss:HalfSquaredError,AbsoluteError,PinballLoss,HuberLoss,HalfPoissonLoss,HalfGammaLoss,"
    "HalfTweedieLoss,HalfTweedieLossIdentity,HalfBinomialLoss,HalfMultinomialLoss,ExponentialLoss"
    " sklearn.gaussian_process.kernels:Hyperparameter,CompoundKernel,Sum,Product,Exponentiation,ConstantKernel,"
    "WhiteKernel,RBF,Matern,RationalQuadratic,ExpSineSquared,DotProduct,PairwiseKernel"
    " sklearn.neural_network._stochastic_optimizers:SGDOptimizer,AdamOptimizer"
    " sklearn.ensemble._hist_gradient_boosting.binning:_BinMapper"
    " sklearn.ensemble._hist_gradient_boosting.predictor:TreePredictor"
    " sklearn.calibration:_CalibratedClassifier,_SigmoidCalibration"
)
_COMPILED_PARTS = (
    "sklearn._loss._loss:CyHalfSquaredError,CyAbsoluteError,CyPinballLoss,CyHuberLoss,CyHalfPoissonLoss,CyHalfGammaLoss,"
    "CyHalfTweedieLoss,CyHalfTweedieLossIdentity,CyHalfBinomialLoss,CyExponentialLoss,CyHalfMultinomialLoss"
    " sklearn._loss.link:Interval,IdentityLink,LogLink,LogitLink,HalfLogitLink,MultinomialLogit"
    " sklearn.tree._tree:Tree"
    " sklearn.linear_model._sgd_fast:Regression,Classification,ModifiedHuber,Hinge,SquaredHinge,EpsilonInsensitive,"
    "SquaredEpsilonInsensitive,Log,SquaredLoss,Huber"
    " sklearn.neighbors._kd_tree:newObj,KDTree,KDTree64,KDTree32"
    " sklearn.neighbors._ball_tree:newObj,BallTree,BallTree64,BallTree32"
    " sklearn.metrics._dist_metrics:newObj,EuclideanDistance,ManhattanDistance,ChebyshevDistance,MinkowskiDistance,"
    "EuclideanDistance64,EuclideanDistance32,SEuclideanDistance64,ManhattanDistance64,ManhattanDistance32,"
    "ChebyshevDistance64,ChebyshevDistance32,MinkowskiDistance64,MinkowskiDistance32,HammingDistance64,"
    "HaversineDistance64,JaccardDistance64,CanberraDistance64,BrayCurtisDistance64"
    " sklearn.utils._bunch:Bunch sklearn.utils:Bunch"
)
_MATRICES = " ".join(
    f"scipy.sparse._{kind}:{kind}_matrix,{kind}_array scipy.sparse.{kind}:{kind}_matrix"
    for kind in ["csr", "csc", "coo", "lil", "dia", "bsr", "dok"]
)

SCIENCE: dict[tuple[str, str], Permit] = {
    **{
        key: permit
        for core in _CORES
        for key, permit in group(
            _ARRAY, f"{core}.multiarray:_reconstruct,scalar,array {core}.numeric:_frombuffer"
        ).items()
    },
    **group(
        _ARRAY,
        "numpy:ndarray,dtype,matrix,recarray,record,poly1d numpy.rec:recarray,record"
        " numpy.ma:MaskedArray numpy.ma.core:_mareconstruct,MaskedArray numpy.matrixlib.defmatrix:matrix"
        " numpy.core.records:recarray,record",
    ),
    **group("a scalar type of NumPy", f"numpy:{_SCALARS}"),
    **group(
        "a scalar type of ml_dtypes",
        "ml_dtypes:bfloat16,float8_e4m3fn,float8_e5m2,float8_e4m3fnuz,float8_e5m2fnuz,float8_e8m0fnu,int4,uint4",
    ),
    **group(
        _RANDOM, "numpy.random._pickle:__randomstate_ctor,__generator_ctor,__bit_generator_ctor", rule="calls_first"
    ),
    **group(
        _RANDOM,
        " ".join(f"numpy.random._{kind.lower().removesuffix('dxsm')}:{kind}" for kind in _BITS)
        + " numpy.random.bit_generator:SeedSequence,__pyx_unpickle_SeedSequence"
        + " numpy.random._bit_generator:SeedSequence,__pyx_unpickle_SeedSequence",
    ),
    **group(_SPARSE, _MATRICES, ways=INSTANCE),
    **group(_ESTIMATOR, _ESTIMATORS, ways=INSTANCE),
    **group(_PART, _PARTS, ways=INSTANCE),
    **group(_PART, _COMPILED_PARTS),
    **group(
        "says where joblib wrote an array's bytes, which follow in the file",
        "joblib.numpy_pickle:NumpyArrayWrapper",
        ways=INSTANCE,
    ),
}
