"""Names of pandas and of libraries beside it that a checkpoint may call. See `allowlist` for what a permit promises."""

from __future__ import annotations

from weighbridge.formats.pickle.permit import INSTANCE, Permit, group

_TABLE = "rebuilds a table, an index or a value of pandas from its parts"
_ZONE = "a time zone, by its name in a database that is installed"
_CHOICE = "one of the values of an enumeration, by its own text or number"
_KEPT = "a function of NumPy or Python, kept and not called"

_PANDAS_TYPES = (
    "BooleanDtype,CategoricalDtype,DatetimeTZDtype,Float32Dtype,Float64Dtype,Int8Dtype,Int16Dtype,Int32Dtype,"
    "Int64Dtype,"
    "UInt8Dtype,UInt16Dtype,UInt32Dtype,UInt64Dtype,IntervalDtype,PeriodDtype,SparseDtype,StringDtype,ArrowDtype"
)
_PANDAS = (
    "DataFrame,Series,Index,RangeIndex,MultiIndex,CategoricalIndex,DatetimeIndex,TimedeltaIndex,PeriodIndex,"
    "IntervalIndex,"
    "Int64Index,Float64Index,UInt64Index,Categorical,Interval,Period,Timestamp,Timedelta,NA,NaT,DateOffset"
)

DATA: dict[tuple[str, str], Permit] = {
    **group(
        _TABLE,
        "pandas._libs.internals:_unpickle_block,BlockPlacement,BlockManager,SingleBlockManager"
        " pandas._libs.tslibs.timestamps:_unpickle_timestamp,Timestamp pandas._libs.tslibs.nattype:__nat_unpickle,"
        "_nat_unpickle pandas._libs.tslibs.timedeltas:_timedelta_unpickle,Timedelta"
        " pandas.core.indexes.base:_new_Index pandas.indexes.base:_new_Index pandas.core.index:_new_Index"
        " pandas.core.indexes.datetimes:_new_DatetimeIndex pandas.tseries.index:_new_DatetimeIndex"
        " pandas.core.indexes.period:_new_PeriodIndex pandas.core.indexes.timedeltas:_new_TimedeltaIndex"
        " pandas.core.internals.blocks:new_block pandas.core.internals.managers:BlockManager,SingleBlockManager"
        " pandas._libs.interval:Interval pandas._libs.sparse:IntIndex,BlockIndex pandas._libs.tslibs.period:Period",
    ),
    **group(
        _TABLE,
        f"pandas:{_PANDAS},{_PANDAS_TYPES} pandas.core.dtypes.dtypes:{_PANDAS_TYPES} pandas.core.arrays.sparse.dtype:"
        f"SparseDtype pandas.core.arrays.string_:StringDtype pandas.core.arrays.boolean:BooleanDtype"
        f" pandas.core.arrays.integer:{_PANDAS_TYPES} pandas.core.arrays.floating:{_PANDAS_TYPES}"
        f" pandas.core.arrays.numpy_:PandasDtype pandas.core.dtypes.dtypes:NumpyEADtype",
    ),
    **group(
        _TABLE,
        "pandas._libs.tslibs.offsets:Day,Hour,Minute,Second,Milli,Micro,Nano,MonthEnd,MonthBegin,BusinessDay,"
        "BusinessMonthEnd,BusinessMonthBegin,QuarterEnd,QuarterBegin,BQuarterEnd,BQuarterBegin,YearEnd,"
        "YearBegin,BYearEnd,"
        "BYearBegin,Week,WeekOfMonth,LastWeekOfMonth,SemiMonthEnd,SemiMonthBegin,DateOffset,Easter,BusinessHour,"
        "CustomBusinessDay,FY5253,FY5253Quarter,RelativeDeltaOffset",
    ),
    **group(_TABLE, "polars.dataframe.frame:DataFrame polars.series.series:Series", ways=INSTANCE),
    **group(
        _ZONE,
        "zoneinfo:ZoneInfo,ZoneInfo._unpickle pytz:_p,_UTC,UTC,timezone pytz.tzfile:DstTzInfo"
        " dateutil.tz.tz:tzutc,tzlocal",
    ),
    **group("a difference of dates", "dateutil.relativedelta:relativedelta,weekday dateutil._common:weekday"),
    **group(
        _CHOICE,
        "transformers.trainer_utils:IntervalStrategy,SchedulerType,HubStrategy,SaveStrategy,EvaluationStrategy,"
        "FSDPOption,ShardedDDPOption transformers.training_args:OptimizerNames,ParallelMode"
        " transformers.debug_utils:DebugOption transformers.utils.generic:PaddingStrategy,TensorType,ExplicitEnum"
        " accelerate.utils.dataclasses:DistributedType,PrecisionType,ComputeEnvironment,DynamoBackend,RNGType,"
        "LoggerType"
        " torch.nn.attention:SDPBackend torchvision.transforms.functional:InterpolationMode"
        " torchvision.transforms:InterpolationMode torchvision.transforms.autoaugment:AutoAugmentPolicy"
        " torch.ao.quantization.quant_type:QuantType torch.quantization.quant_type:QuantType"
        " fairseq.dataclass.constants:DDP_BACKEND_CHOICES"
        " omegaconf.base:Metadata,ContainerMetadata peft.utils.peft_types:PeftType,TaskType"
        " lightning.pytorch.trainer.states:RunningStage,TrainerFn,TrainerStatus"
        " pytorch_lightning.trainer.states:RunningStage,TrainerFn,TrainerStatus"
        " ultralytics.utils:IterableSimpleNamespace omegaconf._utils:ValueKind",
    ),
    **group(
        _KEPT,
        "builtins:hash,len,sum,min,max,abs,sorted,round,repr,isinstance,any,all,zip,enumerate,reversed,divmod,"
        "pow,ord,chr",
        ways=frozenset(),
    ),
    **{
        key: permit
        for module in (
            "numpy",
            "numpy.core._multiarray_umath",
            "numpy._core._multiarray_umath",
            "numpy.core.fromnumeric",
        )
        for key, permit in group(
            _KEPT,
            f"{module}:mean,median,std,var,sum,prod,min,max,amin,amax,abs,absolute,argmax,argmin,ravel,log,"
            "log1p,log2,log10,"
            "exp,expm1,exp2,sqrt,cbrt,square,sin,cos,tan,arcsin,arccos,arctan,tanh,sinh,cosh,arcsinh,"
            "reciprocal,negative,"
            "sign,floor,ceil,rint,maximum,minimum,add,subtract,multiply,divide,true_divide,power,nanmean,"
            "nanmedian,nanstd,"
            "isnan,isfinite,logical_not,logical_and,logical_or,clip,round,around,squeeze,reshape,transpose,concatenate,"
            "asarray,array,zeros,ones,full,zeros_like,ones_like,nan_to_num,hypot,deg2rad,rad2deg,sort,unique,"
            "percentile",
            ways=frozenset(),
        ).items()
    },
    **group(
        "a function with some of its arguments, kept for later; the function is judged by its own name",
        "functools:partial",
        rule="calls_later",
    ),
    **group(
        "an attribute of an object or class that is itself known",
        "builtins:getattr",
        rule="known_attribute",
    ),
    **group(
        "where joblib would keep results; it is not opened", "joblib.memory:Memory,NotMemorizedFunc", ways=INSTANCE
    ),
    **group(
        "rebuilds an array by what it is given, which is judged by its own name",
        "dill._dill:_create_array",
        rule="calls_first",
    ),
    **group("a type of Python by its name", "dill._dill:_load_type", rule="plain_type"),
    **group("a range or slice that dill writes as text", "dill._dill:_eval_repr", rule="plain_range"),
}
