"""Names of Python's own library that a checkpoint may use. See `allowlist` for what a permit promises."""

from __future__ import annotations

from weighbridge.formats.pickle.permit import Permit, group

_CONTAINER = "an ordinary container or value of Python"
_VALUE = "an immutable value; its constructor computes nothing but itself"
_EXCEPTION = "an exception class; making one raises nothing"

PYTHON: dict[tuple[str, str], Permit] = {
    **group(
        _CONTAINER,
        "builtins:set,frozenset,list,dict,tuple,bytearray,bytes,complex,slice,range,int,float,bool,str,object,NoneType"
        " collections:OrderedDict,Counter,deque,UserDict",
    ),
    # What Python 2 called them, beyond the names that pickle itself maps.
    **group(_CONTAINER, "builtins:long,unicode,xrange"),
    **group(_CONTAINER + "; it calls its factory for a missing key", "collections:defaultdict", rule="calls_first"),
    **group("a plain holder of attributes", "argparse:Namespace types:SimpleNamespace"),
    **group(
        _VALUE,
        "datetime:date,datetime,time,timedelta,timezone,tzinfo decimal:Decimal fractions:Fraction uuid:UUID,SafeUUID"
        " ipaddress:IPv4Address,IPv6Address builtins:Ellipsis,NotImplemented",
    ),
    **group(
        "a path as a value, which touches no disk; its methods, which do, are other names",
        "pathlib:PurePath,PurePosixPath,PureWindowsPath,Path,PosixPath,WindowsPath"
        " pathlib._local:PurePath,PurePosixPath,PureWindowsPath,Path,PosixPath,WindowsPath",
    ),
    **group("a buffer in memory", "io:BytesIO,StringIO _io:BytesIO,StringIO"),
    **group("text to bytes by a codec of Python's own", "_codecs:encode", rule="known_codec"),
    **group(
        "makes an instance of the class that it is given, which is judged by its own name",
        "copyreg:_reconstructor,__newobj__,__newobj_ex__",
        rule="makes_instance",
    ),
    **group(_EXCEPTION, "builtins:Exception,ValueError,TypeError,RuntimeError,KeyError,IndexError,StopIteration"),
}
